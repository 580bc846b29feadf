import keras
import numpy as np
import pytest

from keras_dldl.training.averaging import (
    KeepRawWeights,
    averaged_weights,
    measure_statistics,
    values_of,
)
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.optimizer import make_optimizer

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(3.0, 2.0, (12, 5)).astype(np.float32)
LABELS = RNG.normal(size=(12, 1)).astype(np.float32)
BATCHES = [(IMAGES[:8], LABELS[:8]), (IMAGES[8:], LABELS[8:])]


def network():
    keras.utils.set_random_seed(2)
    inputs = x = keras.Input((5,))
    x = keras.layers.BatchNormalization(name="first")(x)
    return keras.Model(inputs, keras.layers.Dense(1)(x))


class Record(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(values_of(self.model.trainable_variables))


def trained(ema, epochs=2):
    """Return a model after some steps, and its weights after each."""
    model, record = network(), Record()
    config = TrainConfig(optimizer="sgd", learning_rate=0.1)
    optimizer = make_optimizer(config, model.trainable_variables, ema)
    model.compile(optimizer=optimizer, loss="mse", jit_compile=False)
    callbacks = [record, *([KeepRawWeights()] if ema is not None else [])]
    for _ in range(epochs):  # as a run does, an epoch a `fit`
        model.fit(IMAGES, LABELS, 4, shuffle=False, verbose=0, callbacks=callbacks)
    return model, record.seen


def test_averages_by_hand_and_training_goes_on_without_them():
    model, seen = trained(ema=0.75)
    assert len(seen) == 6
    average = seen[0]
    for weights in seen[1:]:
        average = [0.75 * a + 0.25 * w for a, w in zip(average, weights, strict=True)]
    before = values_of(model.variables)
    with averaged_weights(model, BATCHES, part=8):
        inside = values_of(model.trainable_variables)
    for found, expected in zip(inside, average, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    for found, expected in zip(values_of(model.variables), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    _, plain = trained(ema=None)
    for found, expected in zip(values_of(model.trainable_variables), plain[-1], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_weights_come_back_after_an_error():
    model, _ = trained(ema=0.5, epochs=1)
    before = values_of(model.variables)
    with pytest.raises(RuntimeError), averaged_weights(model, BATCHES, part=8):
        raise RuntimeError
    for found, expected in zip(values_of(model.variables), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_statistics_are_those_of_the_images():
    model = network()
    layer = model.get_layer("first")
    measure_statistics(model, BATCHES, part=6)  # parts of 6, 2 and 4
    parts = [IMAGES[:6].astype(float), IMAGES[6:8].astype(float), IMAGES[8:].astype(float)]
    for variable, of in ((layer.moving_mean, np.mean), (layer.moving_variance, np.var)):
        by_hand = sum(len(part) * of(part, axis=0) for part in parts) / 12
        np.testing.assert_allclose(np.asarray(variable), by_hand, rtol=1e-4)
    assert layer.momentum == 0.99


def test_frozen_statistics_stay():
    model = network()
    model.get_layer("first").trainable = False
    measure_statistics(model, BATCHES, part=8)
    np.testing.assert_array_equal(np.asarray(model.get_layer("first").moving_mean), np.zeros(5))
