"""Backbones as lists of layers: configs, shapes, errors."""

import json

import keras
import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.models import FaceModel, load_model
from keras_dldl.models.layer_list import (
    KINDS,
    BatchNormalization,
    Convolution,
    Dropout,
    Flatten,
    GlobalAverage,
    Linear,
    Pooling,
    ReLU,
    Scale,
    layers_from_config,
    output_shape,
)

LAYERS = [
    Convolution(4, (3, 5), (2, 1), (1, 2), True),
    BatchNormalization(1e-3),
    ReLU(),
    Pooling("average", (3, 3), (2, 2), (1, 1), True, False),
    Flatten(channels_first=False),
    Scale(0.5),
    Dropout(0.25),
    Linear(7, bias=False),
]


def test_every_layer_survives_its_config():
    configs = json.loads(json.dumps([layer.get_config() for layer in LAYERS]))
    assert layers_from_config(configs) == tuple(LAYERS)
    assert {layer.kind for layer in LAYERS} == set(KINDS) - {"global_average"}


def test_the_shapes_are_those_of_keras():
    x = keras.Input((32, 32, 3))
    for end in range(1, len(LAYERS) + 1):
        x = LAYERS[end - 1].build(x, f"layer{end}")
        assert x.shape[1:] == output_shape(LAYERS[:end], (32, 32, 3))
    assert output_shape([GlobalAverage()], (5, 6, 7)) == (7,)


def test_a_model_of_layers_is_saved_and_loaded(tmp_path):
    model = FaceModel(LAYERS, LabelGrid.age(), input_size=32)
    assert model.backbone_name == "layers"
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    np.testing.assert_array_equal(loaded(images), model(images))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([{"kind": "attention"}], "`kind` is not valid"),
        ([{"filters": 3}], "`kind` is not valid"),
        ([{"kind": "convolution", "size": 3}], "has the numbers bias, filters, kernel"),
        ([{"kind": "convolution", "filters": 0, "kernel": [3, 3]}], "filters"),
        ([{"kind": "convolution", "filters": 3, "kernel": 3}], "must be two whole numbers"),
        ([{"kind": "convolution", "filters": 3, "kernel": [3, "3"]}], "kernel"),
        ([{"kind": "pooling", "mode": "max", "size": [2, 2], "strides": [0, 1]}], "strides"),
        ([{"kind": "dropout", "rate": 1}], "rate"),
        ([ReLU()], "must end in a vector"),
        ([Linear(3)], "takes a vector"),
        ([Flatten(), ReLU(), GlobalAverage()], "takes a map"),
        ([Pooling("max", (33, 33), (1, 1))], "takes larger images"),
        ([ReLU()] * 1001, "at most 1000 layers"),
    ],
)
def test_bad_lists_are_refused(layers, message):
    with pytest.raises(ConfigError, match=message):
        FaceModel(layers, LabelGrid.age(), input_size=32)
