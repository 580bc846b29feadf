"""Attention maps: against a slow loop, against the logits, and where there are none."""

import keras
import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.explain import AttentionMaps, attention_map, resize_map, score_maps
from keras_dldl.labels import LabelGrid
from keras_dldl.models import build_model
from tests.prediction_case import SIZE, random_model

GRID = LabelGrid(0, 6)
INPUT = 2 * SIZE  # so that the last feature map has more than one place


def model_of(method="dldl-v2", **options):
    """Return a small untrained model with random weights everywhere."""
    model = build_model("tiny-age-net", GRID, method, input_size=INPUT, **options)
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            scale = np.sqrt(2 / np.prod(layer.kernel.shape[:3]))
            layer.set_weights([rng.normal(0, scale, layer.kernel.shape)])
        elif isinstance(layer, keras.layers.Dense):
            layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.get_weights()])
    return model


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(2).integers(0, 256, (3, INPUT, INPUT, 3)).astype("float32")


def last_feature_map(model, images):
    place = model.get_layer("max_pooling").output
    return np.asarray(keras.Model(model.input, place)(images, training=False))


@pytest.fixture(scope="module")
def model():
    return model_of()


def test_score_maps_and_attention_are_those_of_a_slow_loop(model, images):
    features = last_feature_map(model, images)
    weights = model.get_layer("logits").get_weights()[0]
    p = np.asarray(model(images, training=False))
    batch, height, width, channels = features.shape
    assert (height, width) == (2, 2)
    scores = np.zeros((batch, GRID.size, height, width))
    summed = np.zeros((batch, height, width))
    for b in range(batch):
        for i in range(height):
            for j in range(width):
                for k in range(GRID.size):
                    for c in range(channels):
                        scores[b, k, i, j] += weights[c, k] * features[b, i, j, c]
                    summed[b, i, j] += p[b, k] * scores[b, k, i, j]
    np.testing.assert_allclose(score_maps(model, images), scores, rtol=1e-3, atol=1e-4)
    expected = [(m - m.min()) / (m.max() - m.min()) for m in summed]
    attention = attention_map(model, images)
    np.testing.assert_allclose(attention, expected, atol=1e-4)
    assert attention.dtype == np.float32 and attention.min() == 0 and attention.max() == 1


@pytest.mark.parametrize("options", [{}, {"dropout": 0.5}])
def test_the_mean_of_a_score_map_plus_the_bias_is_the_logit(images, options):
    model = model_of(**options)
    raw = np.asarray(model.training_model()(images, training=False))
    bias = model.get_layer("logits").get_weights()[1]
    means = score_maps(model, images).mean(axis=(2, 3))
    np.testing.assert_allclose(means + bias, raw, rtol=1e-4, atol=1e-4)


def test_under_a_ranking_code_a_label_adds_up_the_answers_below_it(images):
    model = model_of("ranking-bce")
    raw = np.asarray(model.training_model()(images, training=False))
    bias = model.get_layer("logits").get_weights()[1]
    maps = score_maps(model, images)
    assert maps.shape == (3, GRID.size, 2, 2)
    expected = [[sum(row[j] - bias[j] for j in range(k)) for k in range(GRID.size)] for row in raw]
    np.testing.assert_allclose(maps.mean(axis=(2, 3)), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("method", ["coral", "mr-l1"])
def test_one_weight_vector_has_one_map(method, images):
    model = model_of(method)
    layer = model.get_layer("score" if method == "coral" else "logits")
    summed = last_feature_map(model, images) @ layer.get_weights()[0][:, 0]
    low, high = summed.min(axis=(1, 2), keepdims=True), summed.max(axis=(1, 2), keepdims=True)
    expected = (summed - low) / (high - low)
    np.testing.assert_allclose(attention_map(model, images), expected, atol=1e-4)


def test_a_map_that_is_the_same_everywhere_is_zero():
    model = random_model(GRID)  # 32 x 32 pixels: one place
    faces = np.zeros((2, SIZE, SIZE, 3), "uint8")
    assert attention_map(model, faces).tolist() == [[[0.0]], [[0.0]]]


def test_a_model_without_a_feature_map_under_its_head_is_refused():
    model = build_model("vgg16", GRID, input_size=32)
    with pytest.raises(ConfigError, match=r"globally averaged .* Received: the model vgg16"):
        AttentionMaps(model)


def test_images_of_another_size_are_refused(model):
    with pytest.raises(ConfigError, match=r"\(B, 64, 64, 3\). Received: shape \(1, 8, 8, 3\)"):
        attention_map(model, np.zeros((1, 8, 8, 3)))


def test_resizing_is_bilinear():
    small = np.array([[0.0, 1.0], [1.0, 0.0]])
    large = resize_map(small, 4, 4)
    at = np.array([0.0, 0.25, 0.75, 1.0])  # pixel centres, held inside the map
    x, y = np.meshgrid(at, at)
    np.testing.assert_allclose(large, x * (1 - y) + y * (1 - x), atol=1e-6)
