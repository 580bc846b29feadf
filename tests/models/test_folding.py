"""Folded networks give the numbers of the models they were made of."""

import keras
import numpy as np
import pytest

from keras_dldl.labels import LabelGrid
from keras_dldl.models import build_model, fast_network
from keras_dldl.models.folding import fold_normalization
from keras_dldl.runtime.networks import KerasNetwork
from tests.models.given import shaken

SIZE = 48


def images(size=SIZE):
    return np.random.default_rng(1).uniform(0, 255, (3, size, size, 3)).astype("float32")


def norms(model):
    return [one for one in model.layers if isinstance(one, keras.layers.BatchNormalization)]


@pytest.mark.parametrize("backbone", ["nano-age-net", "tiny-age-net"])
@pytest.mark.parametrize("method", ["dldl-v2", "coral"])
def test_the_numbers_stay(backbone, method):
    keras.utils.set_random_seed(0)
    model = shaken(build_model(backbone, LabelGrid.scut_fbp(), method=method, input_size=SIZE))
    before = [np.array(w) for w in model.get_weights()]
    folded = fold_normalization(model)
    assert not norms(folded)
    expected = np.asarray(model(images(), training=False))
    assert expected.max() < 0.999 and np.ptp(expected, axis=0).max() > 0.001  # it says something
    np.testing.assert_allclose(folded(images(), training=False), expected, atol=2e-5)
    assert len(model.layers) - len(folded.layers) == len(norms(model))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_model_in_a_model():
    model = build_model("keras:MobileNetV3Small", LabelGrid.age(), input_size=SIZE)
    folded = fold_normalization(shaken(model))
    assert all(not norms(one) for one in folded.layers if isinstance(one, keras.Model))
    assert any(norms(one) for one in model.layers if isinstance(one, keras.Model))
    expected = np.asarray(model(images(), training=False))
    np.testing.assert_allclose(folded(images(), training=False), expected, atol=2e-5)


def test_by_hand():
    x = keras.Input((1, 1, 1))
    y = keras.layers.Conv2D(1, 1, name="conv")(x)
    y = keras.layers.BatchNormalization(epsilon=0.0, name="norm")(y)
    model = keras.Model(x, y)
    model.get_layer("conv").set_weights([np.full((1, 1, 1, 1), 3.0), np.array([5.0])])
    # gamma, beta, mean, variance
    model.get_layer("norm").set_weights([np.array([v]) for v in (2.0, 7.0, 1.0, 16.0)])
    kernel, bias = fold_normalization(model).get_layer("conv").get_weights()
    assert kernel.item() == 3 * 2 / 4
    assert bias.item() == (5 - 1) * 2 / 4 + 7


@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise_kernels(multiplier):
    x = keras.Input((6, 6, 3))
    y = keras.layers.DepthwiseConv2D(3, depth_multiplier=multiplier, use_bias=False)(x)
    y = keras.layers.BatchNormalization(scale=False)(y)
    model = shaken(keras.Model(x, y))
    folded = fold_normalization(model)
    assert not norms(folded)
    faces = images(6)
    np.testing.assert_allclose(folded(faces), model(faces, training=False), rtol=1e-4, atol=1e-3)


def activated(x):
    y = keras.layers.Conv2D(4, 3, activation="relu")(x)
    return keras.layers.BatchNormalization()(y)


def used_twice(x):
    y = keras.layers.Conv2D(4, 3)(x)
    return keras.layers.Add()([y, keras.layers.BatchNormalization()(y)])


def after_pooling(x):
    return keras.layers.BatchNormalization()(keras.layers.MaxPooling2D()(x))


@pytest.mark.parametrize("block", [activated, used_twice, after_pooling])
def test_what_cannot_be_folded_stays(block):
    x = keras.Input((6, 6, 3))
    model = shaken(keras.Model(x, block(x)))
    folded = fold_normalization(model)
    assert len(norms(folded)) == 1
    np.testing.assert_allclose(folded(images(6)), model(images(6), training=False), rtol=1e-4)


def test_layers_that_are_in_another_model_too():
    model = shaken(build_model("nano-age-net", LabelGrid.age(), input_size=SIZE))
    keras.Model(model.layers[1].output, model.output)
    assert norms(model) and not norms(fold_normalization(model))


def test_a_fast_network_answers_as_its_model():
    model = shaken(build_model("nano-age-net", LabelGrid.age(), input_size=SIZE), seed=3)
    network, faces = KerasNetwork(model), images(SIZE)
    for count in (1, 3):  # any number of faces
        expected = network.views(faces[:count], batch_size=2)
        found = network.for_many().views(faces[:count], batch_size=2)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=2e-5)
    assert np.abs(found[0] - found[1]).max() > 1e-4  # the mirror image is another


def test_it_has_the_weights_of_when_it_was_made():
    model = shaken(build_model("nano-age-net", LabelGrid.age(), input_size=SIZE), seed=3)
    network, faces = fast_network(model), images(SIZE)
    before = np.asarray(model(faces, training=False))
    shaken(model, seed=4)
    assert np.abs(np.asarray(model(faces, training=False)) - before).max() > 1e-3
    np.testing.assert_allclose(network(faces, training=False), before, atol=2e-5)
