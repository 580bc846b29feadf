"""Models of every method: the distribution, the file, the layer."""

import keras
import numpy as np
import pytest

from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.labels import LabelGrid
from keras_dldl.methods import METHODS, Method, get_method
from keras_dldl.methods.layer import MethodDistribution
from keras_dldl.models import FaceModel, load_model
from tests.keras_case import check_config

RATING = LabelGrid.scut_fbp()


def faces(count=3, size=32):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", METHODS)
def test_a_model_of_every_method_is_saved_and_loaded(mini_backbone, name, tmp_path):
    model = FaceModel(mini_backbone, RATING, name, 32)
    p = np.asarray(model(faces()))
    assert p.shape == (3, 41) and p.dtype == np.float32
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    raw = model.training_model()(faces())
    expected = np.asarray(model.method.distribution(raw, RATING))
    np.testing.assert_allclose(p, expected, atol=1e-6)

    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    assert again.method == model.method
    assert again.get_config() == model.get_config()
    np.testing.assert_array_equal(again(faces()), p)


@pytest.mark.parametrize("name", ["ranking-bce", "coral", "mr-l1", "dldl-v2"])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_distributions_are_float32_under_any_policy(mini_backbone, name, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = FaceModel(mini_backbone, LabelGrid.age(), name, 32)
        p = np.asarray(model(faces()))
        raw = model.training_model().output
    finally:
        keras.config.set_dtype_policy(before)
    assert (p.dtype, raw.dtype) == (np.float32, "float32")
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)


def test_a_model_file_of_before_the_options_were_written_out(mini_backbone, tmp_path):
    config = FaceModel(mini_backbone, RATING, "dldl-v2", 32).get_config()
    config["method"] = {"name": "dldl-v2", "options": {}}
    assert FaceModel.from_config(config).method == get_method("dldl-v2")


class Wide(Method):
    def distribution(self, raw, grid):
        return keras.ops.concatenate([raw, raw], axis=-1)


def test_a_method_that_gives_no_distribution_over_the_grid(mini_backbone):
    with pytest.raises(ConfigError, match=r"Wide must give .*\(B, 41\).*shape=\(None, 82\)"):
        FaceModel(mini_backbone, RATING, Wide(), 32)


def test_a_file_whose_method_is_not_here_names_it(mini_backbone, tmp_path):
    class Gone(Method):
        name = "gone_module_of_test:Gone"

    FaceModel(mini_backbone, RATING, Gone(), 32).save(tmp_path / "model.keras")
    with pytest.raises(ModelFileError, match="gone_module_of_test:Gone"):
        load_model(tmp_path / "model.keras")


def test_the_layer_survives_its_config():
    method = {"name": "ranking-l2", "options": {}}
    layer = check_config(
        MethodDistribution, method=method, grid=RATING.get_config(), model={"a": 1}, name="p"
    )
    assert layer.compute_output_spec(keras.KerasTensor((None, 40))).shape == (None, 41)
