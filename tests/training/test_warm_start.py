import keras
import numpy as np
import pytest

from keras_dldl import LabelGrid, build_model
from keras_dldl.errors import ConfigError
from keras_dldl.training.warm_start import copy_matching_layers


def weights(model, layer):
    return [np.asarray(value) for value in model.get_layer(layer).get_weights()]


def test_backbone_is_copied_and_another_head_kept():
    source = build_model("tiny-age-net", LabelGrid.age(), input_size=32)
    target = build_model("tiny-age-net", LabelGrid.scut_fbp(), input_size=48)
    head = weights(target, "logits")
    report = copy_matching_layers(target, source)
    assert report.left == ("logits",)
    assert len(report.copied) == 26  # 13 convolutions and their normalisations
    for layer in ("stage1_conv1", "stage5_conv3_bn"):
        for got, wanted in zip(weights(target, layer), weights(source, layer), strict=True):
            np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(weights(target, "logits")[0], head[0])
    assert str(report) == "26 of 27 layers, not logits"


def test_same_head_is_copied_too():
    source = build_model("tiny-age-net", LabelGrid.age(), input_size=32)
    target = build_model("tiny-age-net", LabelGrid.age(), input_size=32)
    assert copy_matching_layers(target, source).left == ()
    np.testing.assert_array_equal(weights(target, "logits")[0], weights(source, "logits")[0])


def test_nothing_in_common_is_an_error():
    source = build_model("thin-age-net", LabelGrid.scut_fbp(), input_size=32)
    target = build_model("tiny-age-net", LabelGrid.age(), input_size=32)
    with pytest.raises(ConfigError, match="no layer that fits.*Received: thin_age_net"):
        copy_matching_layers(target, source)


def test_layers_without_a_name_of_their_own_are_matched_by_their_place():
    # InceptionV3's are conv2d, conv2d_1 ..., counted over all that a process ever made.
    grid = LabelGrid.age()
    source = build_model("keras:InceptionV3", grid, input_size=75)
    target = build_model("keras:InceptionV3", LabelGrid.cfd(), input_size=75)
    assert copy_matching_layers(target, source).left == ("logits",)
    x = np.random.default_rng(0).uniform(0, 255, (1, 75, 75, 3)).astype(np.float32)
    maps = [keras.Model(model.input, model.features)(x) for model in (source, target)]
    np.testing.assert_allclose(*maps, rtol=1e-5, atol=1e-6)
