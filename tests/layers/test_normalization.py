import keras
import numpy as np
import pytest

from keras_dldl.layers import (
    FACE_MEAN,
    FACE_STD,
    ImageNormalization,
    face_normalization,
    image_normalization,
)

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
EXPECTED = (IMAGES / 255.0 - np.array(FACE_MEAN)) / np.array(FACE_STD)


def test_constants_of_the_paper():
    assert FACE_MEAN == (0.5958, 0.4637, 0.4065)
    assert FACE_STD == (0.2693, 0.2409, 0.2352)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "int32"])
def test_against_the_formula(dtype):
    found = np.asarray(face_normalization()(IMAGES.astype(dtype)))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, EXPECTED, atol=2e-6)


def test_a_mixed_policy_does_not_round_the_pixels():
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        layer = face_normalization()
    finally:
        keras.config.set_dtype_policy(before)
    found = np.asarray(layer(IMAGES.astype(np.float32)))
    np.testing.assert_allclose(found, EXPECTED, atol=2e-6)


def test_saving(tmp_path):
    inputs = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(inputs, face_normalization()(inputs))
    assert model.output.dtype == "float32"
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("face_normalization").count_params() == 0
    np.testing.assert_array_equal(np.asarray(loaded(IMAGES)), np.asarray(model(IMAGES)))
    np.testing.assert_allclose(loaded.predict(IMAGES, verbose=0), EXPECTED, atol=2e-6)


def test_colours_turned_round_survive_the_config():
    layer = image_normalization((10.0, 20.0, 30.0), (1.0, 2.0, 4.0), reverse=True)
    again = ImageNormalization.from_config(layer.get_config())
    expected = ((IMAGES - np.array([10.0, 20, 30])) / np.array([1.0, 2, 4]))[..., ::-1]
    for each in (layer, again):
        np.testing.assert_allclose(each(IMAGES), expected, atol=2e-5)
