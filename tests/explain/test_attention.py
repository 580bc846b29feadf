"""Attention maps: against a slow loop, against the logits, and where there are none."""

import keras
import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.explain import (
    AttentionMaps,
    attention_by_group,
    attention_map,
    resize_map,
    score_maps,
)
from keras_dldl.labels import LabelGrid
from keras_dldl.layers.heads import linear_head
from keras_dldl.methods import Method
from keras_dldl.models import FaceModel, build_model
from tests.models.given import backbone, squares
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
    for b, i, j, k in np.ndindex(batch, height, width, GRID.size):
        for c in range(channels):
            scores[b, k, i, j] += weights[c, k] * features[b, i, j, c]
        summed[b, i, j] += p[b, k] * scores[b, k, i, j]
    np.testing.assert_allclose(score_maps(model, images), scores, rtol=1e-3, atol=1e-4)
    expected = [(m - m.min()) / (m.max() - m.min()) for m in summed]
    attention = attention_map(model, images)
    np.testing.assert_allclose(attention, expected, atol=1e-4)
    assert attention.dtype == np.float32 and attention.min() == 0 and attention.max() == 1


def mean_of_maps_and_logits(model, images):
    raw = np.asarray(model.training_model()(images, training=False))
    bias = model.get_layer("logits").get_weights()[1]
    return score_maps(model, images).mean(axis=(2, 3)) + bias, raw


@pytest.mark.parametrize("options", [{}, {"dropout": 0.5}])
def test_the_mean_of_a_score_map_plus_the_bias_is_the_logit(images, options):
    model = model_of(**options)
    np.testing.assert_allclose(*mean_of_maps_and_logits(model, images), rtol=1e-4, atol=1e-4)


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


class Deep(Method):
    """A head of two layers."""

    def head(self, features, grid):
        return linear_head(linear_head(features, 4, "hidden"), grid.size)


@pytest.mark.parametrize(
    ("name", "method", "message"),
    [
        ("vgg16", "dldl-v2", r"globally averaged .* Received: the model vgg16"),
        ("tiny-age-net", Deep(), "head is more than a linear layer"),
    ],
)
def test_models_without_a_linear_head_on_a_feature_map_are_refused(name, method, message):
    with pytest.raises(ConfigError, match=message):
        AttentionMaps(build_model(name, GRID, method, input_size=SIZE))


def test_images_of_another_size_are_refused(model):
    with pytest.raises(ConfigError, match=r"\(B, 64, 64, 3\). Received: shape \(1, 8, 8, 3\)"):
        attention_map(model, np.zeros((1, 8, 8, 3)))


def test_resizing_is_bilinear():
    large = resize_map(np.array([[0.0, 1.0], [1.0, 0.0]]), 4, 4)
    x, y = np.meshgrid(*[[0.0, 0.25, 0.75, 1.0]] * 2)  # pixel centres, held inside the map
    np.testing.assert_allclose(large, x * (1 - y) + y * (1 - x), atol=1e-6)


def test_a_backbone_of_one_s_own_has_maps(images):
    with backbone(squares) as name:
        model = FaceModel(name, GRID, input_size=INPUT, pooling="average")
    assert tuple(model.feature_map.shape) == (None, 8, 8, 3)
    np.testing.assert_allclose(*mean_of_maps_and_logits(model, images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pooling", ["average", "gem"])
def test_a_network_of_keras_applications_has_maps_whatever_its_pooling(pooling, images):
    model = build_model("keras:MobileNet", GRID, input_size=INPUT, pooling=pooling)
    rng = np.random.default_rng(3)
    for variable in model.trainable_variables:
        if variable.name == "kernel":  # as large as keeps the features of an untrained net alive
            places = 9 if "dw" in variable.path else np.prod(variable.shape[:-1])
            variable.assign(rng.normal(0, np.sqrt(2 / places), variable.shape))
    head = model.get_layer("logits")
    mean, logits = mean_of_maps_and_logits(model, images)
    assert np.allclose(mean, logits, atol=1e-3) == (pooling == "average")
    features, _ = keras.Model(model.input, [model.feature_map, model.features])(images)
    expected = np.einsum("bhwc,ck->bkhw", features, head.get_weights()[0])
    np.testing.assert_allclose(score_maps(model, images), expected, rtol=1e-3, atol=1e-3)


def test_hybrid_pooling_of_an_odd_map_covers_a_part_of_the_face(model):
    odd = build_model("tiny-age-net", GRID, input_size=112)  # 7 x 7 places, pooled to 3 x 3
    assert AttentionMaps(odd).covered == pytest.approx((6 / 7, 6 / 7))
    assert AttentionMaps(model).covered == (1, 1)
    large = resize_map(np.eye(3), 7, 7, covered=(6 / 7, 6 / 7))
    np.testing.assert_array_equal(large[:6, :6], resize_map(np.eye(3), 6, 6))
    assert np.isnan(large[6]).all() and np.isnan(large[:, 6]).all()  # nothing is known there


@pytest.mark.parametrize("size", [SIZE, 112])
def test_with_the_mirror_image_maps_turn_with_the_image_and_span_the_width(size):
    """By hand: each place once or twice wide, the mirror image's turned back."""
    maps = AttentionMaps(build_model("tiny-age-net", GRID, input_size=size))
    images = np.random.default_rng(4).uniform(0, 255, (2, size, size, 3)).astype(np.float32)
    found = maps.attention_with_mirror(images)
    own, mirrored = maps.attention(images), maps.attention(images[:, :, ::-1])
    if size == 112:  # 3 places of 2 in 7: the last column is the mirror image's alone
        expected = np.empty((2, 3, 7))
        for column in range(7):
            ours = own[:, :, column // 2] if column < 6 else None
            theirs = mirrored[:, :, (6 - column) // 2] if column > 0 else None
            both = [one for one in (ours, theirs) if one is not None]
            expected[:, :, column] = np.mean(both, axis=0)
    else:
        expected = (own + mirrored[:, :, ::-1]) / 2
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    turned = maps.attention_with_mirror(images[:, :, ::-1])
    np.testing.assert_allclose(turned, found[:, :, ::-1], rtol=1e-6)


CUE = np.s_[8:16, 16:24]


def planted(count, seed=0):
    """Grey noise everywhere but at the cue, which is as red as the face is old."""
    random = np.random.default_rng(seed)
    ages = random.uniform(20, 100, count)
    grey = random.integers(0, 256, (count, 32, 32, 1)).astype("float32")
    images = np.repeat(grey, 3, axis=3)
    images[(slice(None), *CUE)] = 0
    images[(slice(None), *CUE, 0)] = ages[:, None, None] * 2.55
    return images, ages


def test_a_planted_cue_is_found_in_a_trained_model():
    keras.utils.set_random_seed(0)
    with backbone(lambda x: squares(squares(x, 8, 4), 8, 1)) as name:
        model = FaceModel(name, LabelGrid.age(), "ranking-bce", input_size=32, pooling="average")
    images, ages = planted(256)
    trained = model.training_model()
    trained.compile(keras.optimizers.Adam(0.02), model.method.loss(model.grid))
    trained.fit(images, ages, epochs=40, batch_size=32, verbose=0)
    faces, truth = planted(64, seed=1)
    decoded = model.grid.decode(np.asarray(model(faces)), model.method.decoder)
    assert np.abs(decoded - truth).mean() < 10  # guessing the mean has 20
    found = attention_by_group(model, [(faces, truth)], [60]).attention[1]
    assert found.shape == (8, 8)
    places = np.zeros((8, 8), bool)
    places[2:4, 4:6] = True
    assert found[places].min() > found[~places].max() + 0.3
