"""Routine checks that every loss, metric and layer must pass."""

import inspect
import json

import keras
import numpy as np


def check_config(make, **arguments):
    """Check that `make(**arguments)` survives its config through JSON, forgetting no argument.

    `arguments` must differ from the defaults, or a forgotten one would not show.
    """
    # Of `__init__`, as Keras layers have a `__new__` that takes anything.
    parameters = dict(inspect.signature(make.__init__).parameters)
    del parameters["self"]
    named = [name for name, p in parameters.items() if p.kind is not p.VAR_KEYWORD]
    assert set(named) <= set(arguments), "give a value for every argument"
    for name, value in arguments.items():
        if name in parameters:
            assert value != parameters[name].default, f"{name} is left at its default"

    original = make(**arguments)
    config = original.get_config()
    assert set(arguments) <= set(config)
    assert make.from_config(json.loads(json.dumps(config))).get_config() == config

    serialized = keras.saving.serialize_keras_object(original)
    assert serialized["registered_name"] == f"keras_dldl>{make.__name__}"
    restored = keras.saving.deserialize_keras_object(json.loads(json.dumps(serialized)))
    assert type(restored) is make
    assert restored.get_config() == config
    return restored


def tiny_model(size, from_logits=False):
    """A classifier of 4 numbers into `size` labels, whose weights do not vary between runs."""
    keras.utils.set_random_seed(7)
    activation = None if from_logits else "softmax"
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(size, activation=activation)])


def check_training(grid, tmp_path, loss, metrics=(), from_logits=False):
    """Fit one step, save, load, and check that evaluation gives the same logs."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(7, 4)).astype(np.float32)
    y = rng.uniform(grid.start, grid.stop, size=7).astype(np.float32)
    model = tiny_model(grid.size, from_logits)
    model.compile("sgd", loss=loss, metrics=list(metrics))
    before = model.get_weights()
    model.fit(x, y, batch_size=7, epochs=1, verbose=0)
    moved = [np.abs(a - b).max() for a, b in zip(before, model.get_weights(), strict=True)]
    assert min(moved) > 0
    assert all(np.isfinite(w).all() for w in model.get_weights())

    logs = model.evaluate(x, y, batch_size=3, verbose=0, return_dict=True)
    assert set(logs) == {"loss", *(metric.name for metric in metrics)}
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(x, y, batch_size=3, verbose=0, return_dict=True) == logs
    return model, x, y, logs
