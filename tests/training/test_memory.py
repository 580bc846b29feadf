import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dldl.errors import TrainingError
from keras_dldl.training.accumulation import in_parts
from keras_dldl.training.memory import (
    Memory,
    estimate,
    images_that_fit,
    is_out_of_memory,
    memory_limit,
    memory_named,
)

NEED = Memory(100, 100, 200, activations=6400, images=64, batches=0)


def compiled(parts=1, frozen=False):
    images = x = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(5, 3, padding="same", use_bias=False, name="first")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Flatten()(keras.layers.ReLU()(x))
    model = in_parts(keras.Model(images, keras.layers.Dense(2)(x)), parts)
    if frozen:
        for layer in model.layers[:4]:
            layer.trainable = False
    model.compile(keras.optimizers.SGD(momentum=0.9), "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def test_the_estimate_by_hand():
    need = estimate(compiled(), batch_size=10, parts=1)
    learning = 3 * 3 * 3 * 5 + 2 * 5 + 80 * 2 + 2
    assert need.weights == 4 * (learning + 2 * 5)
    assert need.gradients == 4 * learning
    assert need.optimizer == 4 * (learning + 1) + 8  # momentum, rate, and the count of steps
    # Convolution, ReLU and flattening of 80 each, the last of 2, and three times the largest.
    assert need.activations == 10 * 4 * (3 * 80 + 2 + 3 * 80)
    assert need.batches == 5 * 10 * 4 * 48
    assert (need.faces, need.images) == (0, 10)
    assert need.total == sum((need.weights, need.gradients, need.optimizer, need.batches)) + (
        need.activations
    )


def test_parts_need_less_and_frozen_layers_keep_nothing():
    whole, parts = estimate(compiled(), 10, 1), estimate(compiled(parts=4), 10, 4)
    assert parts.images == 3
    assert parts.activations * 10 == whole.activations * 3
    assert parts.gradients == 2 * whole.gradients
    assert estimate(compiled(frozen=True), 10, 1).activations == 10 * 4 * (2 + 3 * 80)


class XlaRuntimeError(RuntimeError):
    """As JAX's is named."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (np._core._exceptions._ArrayMemoryError((9,), np.dtype("f4")), True),
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"), True),
        (XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory"), True),
        (XlaRuntimeError("INTERNAL: other"), False),
        (RuntimeError("no"), False),
        (tf.errors.InvalidArgumentError(None, None, "shape"), False),
    ],
)
def test_which_errors_mean_lacking_memory(error, expected):
    assert is_out_of_memory(error) is expected


@pytest.mark.parametrize(
    ("need", "batch_size", "said"),
    [
        (
            NEED,
            256,
            r"with 64 images .*About 16 should fit: batch_size=16, or accumulate=16, which keeps "
            r"the batch of 256 .*Received: no room",
        ),
        (NEED.with_images(1), 1, "smaller input_size or model"),
        (None, 64, "batches of 64. Try batch_size=32"),
    ],
)
def test_the_error_says_what_fits(monkeypatch, need, batch_size, said):
    monkeypatch.setattr("keras_dldl.training.memory.memory_limit", lambda: 3000)
    with pytest.raises(TrainingError, match=said), memory_named(lambda: need, batch_size):
        raise MemoryError("no room")


def test_other_errors_pass():
    with pytest.raises(ValueError, match="other"), memory_named(lambda: NEED, 64):
        raise ValueError("other")


def test_it_is_at_most_half_and_at_least_one():
    assert images_that_fit(NEED, 10**9) == 32
    assert images_that_fit(NEED.with_images(48), None) == 16
    assert images_that_fit(NEED, 1) == 1
    limit = memory_limit()
    assert limit is None or limit > 2**20
