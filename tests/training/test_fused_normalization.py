"""The fused batch normalisation computes what Keras's own does."""

import keras
import numpy as np
import pytest

from keras_dldl.training.fused_normalization import fuse_batch_normalization

if keras.backend.backend() != "tensorflow":
    pytest.skip("it is an operation of TensorFlow", allow_module_level=True)


def network(dtype="float32", **options):
    """Return a convolution and a layer of batch normalisation that has seen something."""
    images = keras.Input((6, 5, 3))
    x = keras.layers.Conv2D(4, 3, use_bias=False, dtype=dtype)(images)
    normalization = keras.layers.BatchNormalization(momentum=0.7, dtype=dtype, **options)
    model = keras.Model(images, keras.layers.ReLU(dtype="float32")(normalization(x)))
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return model


def copy_of(model, **options):
    other = network(**options)
    other.set_weights(model.get_weights())
    return other


def step(model):
    """Return outputs, gradients and weights after a forward pass in training."""
    import tensorflow as tf

    images = np.random.default_rng(1).normal(2, 3, (7, 6, 5, 3)).astype("float32")
    with tf.GradientTape() as tape:
        outputs = model(images, training=True)
        loss = tf.reduce_sum(outputs * tf.cast(tf.range(4), outputs.dtype))
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    return [outputs, model(images, training=False), *gradients, *model.get_weights()]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("mixed_bfloat16", 0.05)])
def test_outputs_gradients_and_statistics_are_keras_s(dtype, tolerance):
    plain = network(dtype)
    fused = copy_of(plain, dtype=dtype)
    assert fuse_batch_normalization(fused) == 1
    for expected, got in zip(step(plain), step(fused), strict=True):
        expected, got = (np.asarray(each, np.float64) for each in (expected, got))
        np.testing.assert_allclose(got, expected, atol=tolerance * np.abs(expected).max())


def test_statistics_against_numpy():
    model = network()
    fuse_batch_normalization(model)
    images = np.random.default_rng(1).normal(2, 3, (7, 6, 5, 3)).astype("float32")
    inside = np.asarray(model.layers[1](images), np.float64)
    mean, variance = (np.asarray(w, np.float64) for w in model.layers[2].get_weights()[2:])
    model(images, training=True)
    got = model.layers[2].get_weights()[2:]
    axes = (0, 1, 2)
    np.testing.assert_allclose(got[0], 0.7 * mean + 0.3 * inside.mean(axes), rtol=1e-5)
    np.testing.assert_allclose(got[1], 0.7 * variance + 0.3 * inside.var(axes), rtol=1e-5)


def test_a_frozen_layer_keeps_its_statistics():
    model = network()
    fuse_batch_normalization(model)
    model.layers[2].trainable = False
    before = model.layers[2].get_weights()
    step(model)
    for was, now in zip(before, model.layers[2].get_weights(), strict=True):
        np.testing.assert_array_equal(now, was)


@pytest.mark.parametrize(
    "options", [{"scale": False}, {"center": False}, {"axis": 1}, {"dtype": "mixed_float16"}]
)
def test_what_it_cannot_do_is_left_to_keras(options):
    assert fuse_batch_normalization(network(**options)) == 0


def test_the_file_is_the_same(tmp_path):
    model = network()
    before = model.to_json()
    fuse_batch_normalization(model)
    assert model.to_json() == before
    model.save(tmp_path / "model.keras")
    images = np.ones((2, 6, 5, 3), "float32")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(images), model(images), rtol=1e-5)
