import keras
import numpy as np
import pytest

from keras_dldl.training.accumulation import InParts, in_parts
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.devices import precision
from keras_dldl.training.optimizer import make_optimizer

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(30, 6, 6, 3)).astype(np.float32)
LABELS = RNG.normal(size=(30, 1)).astype(np.float32)


def fitted(parts, batch=10, optimizer="adamw", normalise=False, epochs=3):
    """Return losses, errors and weights of a small network that learned in so many parts."""
    keras.utils.set_random_seed(1)
    images = x = keras.Input((6, 6, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(x)
    if normalise:
        x = keras.layers.BatchNormalization()(x)
    outputs = keras.layers.Dense(1, dtype="float32")(keras.layers.Flatten()(x))
    model = in_parts(keras.Model(images, outputs), parts)
    config = TrainConfig(optimizer=optimizer, weight_decay=0.01, gradient_clip_norm=1.0)
    model.compile(
        optimizer=make_optimizer(config, model.trainable_variables),
        loss="mse",
        metrics=["mae"],
        jit_compile=False,
    )
    history = model.fit(IMAGES, LABELS, batch, epochs=epochs, shuffle=False, verbose=0).history
    steps = int(np.asarray(model.optimizer.iterations))
    return history["loss"], history["mae"], [np.asarray(w) for w in model.weights], steps


@pytest.mark.parametrize(
    ("optimizer", "batch", "some"),
    [
        ("adamw", 10, (2, 4)),  # 4 leave sizes uneven
        ("sgd", 8, (4,)),  # of 30: three whole batches and one of 6
        ("adamw", 28, (5,)),  # the last batch has fewer images than parts
    ],
)
def test_parts_give_the_weights_of_the_joined_batch(optimizer, batch, some):
    losses, errors, weights, steps = fitted(1, batch, optimizer)
    for parts in some:
        found = fitted(parts, batch, optimizer)
        np.testing.assert_allclose(found[0], losses, rtol=1e-5)
        np.testing.assert_allclose(found[1], errors, rtol=1e-5)
        assert found[3] == steps
        for joined, summed in zip(weights, found[2], strict=True):
            np.testing.assert_allclose(summed, joined, rtol=1e-4, atol=1e-6)


def test_batch_normalisation_sees_the_parts():
    joined, parts = fitted(1, normalise=True, epochs=1), fitted(2, normalise=True, epochs=1)
    moved = [abs(a - b).max() for a, b in zip(joined[2], parts[2], strict=True)]
    assert max(moved) > 1e-3
    assert all(np.isfinite(weight).all() for weight in parts[2])


def test_one_part_is_the_model_itself():
    images = keras.Input((2,))
    model = keras.Model(images, keras.layers.Dense(1)(images))
    assert in_parts(model, 1) is model
    assert isinstance(in_parts(model, 2), InParts)


def test_loss_scaling_sees_the_sum_of_the_parts():
    with precision("mixed_float16"):
        joined, parts = fitted(1, epochs=2), fitted(2, epochs=2)
    # Half precision is good to three digits, and AdamW's first steps have a size of their own.
    np.testing.assert_allclose(parts[0], joined[0], rtol=5e-3)
    assert parts[3] == joined[3] == 6
