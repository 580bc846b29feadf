"""Networks of keras.applications inside a face model: pixels, sizes, files, pooling."""

import inspect

import keras
import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.models import build_model, load_model
from keras_dldl.models.backbones import applications

tf = pytest.importorskip("tensorflow", reason="writes SavedModels")

GRID = LabelGrid.cfd()
SMALL = "keras:MobileNetV3Small"


def faces(count=2, size=32):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    return build_model(SMALL, GRID, input_size=32)


def test_every_network_of_this_keras_is_known():
    made = inspect.getmembers(keras.applications, inspect.isfunction)
    assert applications.application_names() == sorted(name for name, _ in made)


def published(name, images):
    """What the network's own first layers, or its own `preprocess_input`, make of pixels."""
    make = getattr(keras.applications, name)
    module = inspect.getmodule(inspect.unwrap(make))
    if name.startswith("EfficientNetB"):
        # (x / 255 - mean) / sqrt(std), then / sqrt(std): keras/src/applications/efficientnet.py.
        mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        return (images / 255 - mean) / np.sqrt(std) / np.sqrt(std)
    if "include_preprocessing" not in inspect.signature(make).parameters:
        return module.preprocess_input(images.copy())
    network = make(include_top=False, weights=None, input_shape=images.shape[1:])
    for layer in network.layers[:5]:
        if isinstance(layer, (keras.layers.Rescaling, keras.layers.Normalization)):
            images = layer(images)
    return np.asarray(images)


@pytest.mark.parametrize(
    "name",
    [
        "ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "EfficientNetV2S",
        "InceptionV3", "MobileNet", "MobileNetV2", "MobileNetV3Small", "NASNetMobile", "ResNet50",
        "ResNet50V2", "VGG16", "Xception",
    ],
)  # fmt: skip
def test_pixels_are_prepared_as_each_network_was_trained(name):
    family = applications.family_of(f"keras:{name}")
    images = faces(1, 32)
    layer = applications.image_normalization(family.mean, family.std, family.reverse)
    found = np.asarray(layer(images))
    if name.startswith("EfficientNetB"):
        found = found / 255  # its own first layer
    np.testing.assert_allclose(found, published(name, images), rtol=1e-4, atol=1e-4)


def test_an_unknown_network_names_the_nearest():
    with pytest.raises(ConfigError, match=r"Did you mean keras:MobileNetV3Small\? Received"):
        build_model("keras:MobilNetV3Small", GRID)
    with pytest.raises(ConfigError, match="Did you mean tiny-age-net"):
        build_model("tiny-agenet", GRID)


def test_each_network_has_its_smallest_input():
    with pytest.raises(ConfigError, match="keras:Xception must be at least 71.*Received.*64"):
        build_model("keras:Xception", GRID, input_size=64)


def test_pooling_and_the_map_it_pools(model):
    assert tuple(model.feature_map.shape) == (None, 1, 1, 576)
    both = keras.Model(model.input, [model.feature_map, model.features])
    feature_map, features = both(faces(2))
    np.testing.assert_allclose(features, np.mean(feature_map, axis=(1, 2)), rtol=1e-5)
    assert tuple(model.head_kernel.shape) == (576, GRID.size)


@pytest.mark.parametrize("pooling", [None, "hybrid", "average", "gem"])
def test_pooling_of_the_paper_s_network(pooling, tmp_path):
    model = build_model("tiny-age-net", GRID, input_size=64, pooling=pooling)
    feature_map, features = keras.Model(model.input, [model.feature_map, model.features])(
        faces(2, 64)
    )
    x = np.asarray(feature_map, np.float64)
    assert x.shape == ((2, 2, 2, 128) if pooling in (None, "hybrid") else (2, 4, 4, 128))
    power = 3 if pooling == "gem" else 1
    expected = (np.maximum(x, 1e-6) ** power).mean(axis=(1, 2)) ** (1 / power)
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=2e-6)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(load_model(tmp_path)(faces(2, 64)), model(faces(2, 64)))


def test_hybrid_takes_the_maximum_before_the_average():
    model = build_model("tiny-age-net", GRID, input_size=64)
    before = model.get_layer("stage5_conv3_relu").output
    x, features = keras.Model(model.input, [before, model.features])(faces(2, 64))
    maxima = np.asarray(x).reshape(2, 2, 2, 2, 2, 128).max(axis=(2, 4))
    np.testing.assert_allclose(features, maxima.mean(axis=(1, 2)), rtol=1e-5, atol=1e-7)


def test_a_network_without_pooling_refuses_one():
    with pytest.raises(ConfigError, match="`pooling` must be null for vgg16.*pooling='gem'"):
        build_model("vgg16", GRID, input_size=32, pooling="gem")
    with pytest.raises(ConfigError, match="`pooling` is not valid.*'median'"):
        build_model("tiny-age-net", GRID, input_size=32, pooling="median")


def test_a_file_of_before_pooling_was_a_setting_loads(model):
    config = model.get_config()
    del config["pooling"]
    assert type(model).from_config(config).pooling is None


def test_files_and_exports_give_the_same_numbers(tmp_path):
    model = build_model(SMALL, GRID, input_size=32, pooling="gem")
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path)
    np.testing.assert_array_equal(loaded(faces(3)), model(faces(3)))
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "served"))  # its function does not keep it alive
    np.testing.assert_allclose(served.serve(faces(3)), model(faces(3)), atol=1e-5)
