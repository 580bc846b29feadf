"""`keras.models.clone_model` of a model: all that it carries, and the answers with its weights."""

import keras
import numpy as np
import pytest

from keras_dldl import predict_age
from keras_dldl.calibration import Calibration
from keras_dldl.errors import ConfigError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import LabelGrid
from keras_dldl.methods import METHODS
from keras_dldl.models import FaceModel, load_model
from tests.calibration.given import faces as labelled_faces

pytestmark = [
    pytest.mark.usefixtures("mini_backbone"),
    pytest.mark.skipif(
        tuple(map(int, keras.__version__.split(".")[:2])) < (3, 15),
        reason="older versions of Keras make a plain functional model of it",
    ),
]
IMAGES = np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3)).astype("float32")
AGES = LabelGrid(0, 80, 2)


def same_answers(clone, model):
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict_on_batch(IMAGES), model.predict_on_batch(IMAGES))
    return True


def test_a_clone_carries_what_the_model_carries(tmp_path):
    calibration = Calibration.fit(*labelled_faces(300, grid=AGES), AGES)
    model = FaceModel("nano-age-net", AGES, "coral", 32, Alignment(0.3), 0.1, {"a": [1]}, "gem")
    model.calibration = calibration  # as the command calibrate does
    clone = keras.models.clone_model(model)
    assert type(clone) is FaceModel and clone.get_config() == model.get_config()
    assert clone.grid == AGES and clone.alignment == Alignment(0.3) and clone.card == {"a": [1]}
    assert clone.calibration.get_config() == calibration.get_config()
    for a, b in zip(clone.weights, model.weights, strict=True):
        assert a is not b and a.path == b.path
    assert same_answers(clone, model)
    assert same_answers(clone.training_model(), model.training_model())
    assert clone.feature_map.shape == model.feature_map.shape
    assert clone.head_kernel.shape == model.head_kernel.shape
    clone.save(tmp_path / "clone.keras")
    assert same_answers(load_model(tmp_path / "clone.keras"), clone)
    assert same_answers(keras.models.clone_model(clone), clone)


@pytest.mark.parametrize("method", METHODS)
def test_clones_of_all_methods(method):
    model = FaceModel("mini", AGES, method, 32)
    clone = keras.models.clone_model(model)
    assert clone.get_config() == model.get_config() and same_answers(clone, model)


@pytest.mark.parametrize("backbone", ["tiny-age-net", "keras:MobileNetV2"])
def test_clones_of_other_backbones(backbone):
    model = FaceModel(backbone, AGES, input_size=32)
    clone = keras.models.clone_model(model)
    assert clone.features.shape == model.features.shape and same_answers(clone, model)


def test_a_clone_predicts():
    clone = keras.models.clone_model(FaceModel("mini", AGES, input_size=32))
    assert predict_age(np.zeros((40, 40, 3), np.uint8), clone, detect=False).unit == "years"


def test_a_clone_with_other_layers_is_no_face_model():
    model = FaceModel("mini", AGES, input_size=32)

    def leaky(layer):
        name = layer.name
        return keras.layers.LeakyReLU(name=name) if isinstance(layer, keras.layers.ReLU) else layer

    with pytest.raises(ConfigError, match=r"clone keras.Model\(model.input, model.output\)"):
        keras.models.clone_model(model, clone_function=leaky)
    plain = keras.Model(model.input, model.output)
    assert keras.models.clone_model(plain, clone_function=leaky).output.shape == (None, 41)
    with pytest.raises(ConfigError, match="Received: other layers"):
        FaceModel(plain.input, keras.layers.Flatten()(plain.input))


def test_too_many_arguments_are_refused():
    with pytest.raises(TypeError, match="9 arguments"):
        FaceModel("mini", AGES, "dldl-v2", 32, None, 0.0, None, None, None, "more")
