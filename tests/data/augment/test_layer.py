"""The layer against the functions that `tf.data` runs: the same draws, the same images."""

import keras
import numpy as np
import pytest

from keras_dldl.data.augment import Augmentation
from keras_dldl.data.augment.apply import apply
from keras_dldl.data.augment.draws import draw_on_host
from keras_dldl.data.augment.layer import FaceAugmentation
from tests.gradients import to_numpy
from tests.keras_case import check_config

COUNT, SIZE = 24, 40
ALL = {
    "shear": 8.0, "zoom": 0.2, "shift": 0.1, "crop": 0.8, "erase": 0.6, "erase_area": 0.3,
    "mixup": 0.4, "blur": 0.02, "sharpen": 1.0, "noise": 0.05, "grain": 0.05, "jpeg": 30.0,
    "warmth": 0.2, "gamma": 0.4, "sepia": 0.2, "fill": 0.8, "cut": 0.3,
}  # fmt: skip


def faces(seed=0):
    """Pictures with edges as well as slopes, uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (COUNT, 5, 5, 3)).repeat(SIZE // 5, 1).repeat(SIZE // 5, 2)
    return np.clip(coarse + rng.normal(0, 8, coarse.shape), 0, 255).astype(np.uint8)


def drawn(strengths, seed=1):
    return draw_on_host(strengths, COUNT, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", ["default", "all", "colour", "moves", "resolution", "none"])
def test_it_does_what_the_pipeline_does_with_the_same_draws(kind):
    ops = pytest.importorskip("keras_dldl.data.augment.tensorflow_ops")
    off = Augmentation.none().get_config()
    strengths = {
        "default": Augmentation(),
        "all": Augmentation(**ALL),
        "colour": Augmentation.from_config(off | {"contrast": 0.5, "grey": 0.3}),
        "moves": Augmentation.from_config(off | {"rotation": 40, "flip": 0.5}),
        "resolution": Augmentation.from_config(off | {"resolution": 0.2}),
        "none": Augmentation.none(),
    }[kind]
    given = drawn(strengths)
    expected = apply(ops, faces(), given, strengths, ops.compiled_stage).numpy()
    found = to_numpy(FaceAugmentation(strengths).apply(faces(), given))
    assert found.dtype == np.float32 and found.shape == expected.shape
    # A level where both round before the moves, and now and then a pixel at a rectangle's border.
    # Rounding differently in one coefficient of JPEG changes a whole block.
    more = 5 if kind == "all" else 1
    assert np.mean(np.abs(found - expected)) < 0.01 * more
    assert np.mean(np.abs(found - expected) > 1.01) < 2e-3 * more
    if kind != "none":
        assert np.abs(found - faces()).mean() > 1


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_changes_nothing(policy):
    expected = to_numpy(FaceAugmentation().apply(faces(), drawn(Augmentation())))
    layer = FaceAugmentation(Augmentation(), dtype=policy)
    found = to_numpy(layer.apply(faces(), drawn(Augmentation())))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_what_the_layer_draws_is_of_the_strengths_and_repeatable():
    off = Augmentation.none().get_config()
    half = FaceAugmentation(off | {"flip": 0.5}, seed=5)
    many = np.concatenate([faces()] * 20)
    found = to_numpy(half(many, training=True))
    mirrored = np.abs(found - many[:, :, ::-1]).max(axis=(1, 2, 3)) < 1e-2
    kept = np.abs(found - many).max(axis=(1, 2, 3)) < 1e-2
    assert (mirrored ^ kept).all()
    assert mirrored.mean() == pytest.approx(0.5, abs=0.1)
    again = FaceAugmentation(off | {"flip": 0.5}, seed=5)
    np.testing.assert_array_equal(found, to_numpy(again(many, training=True)))
    assert np.abs(to_numpy(again(many, training=True)) - found).max() > 1  # other draws


@pytest.mark.parametrize("training", [False, None])
def test_outside_of_training_faces_stay_what_they_are(training):
    found = to_numpy(FaceAugmentation()(faces(), training=training))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, faces())


def test_it_is_a_layer_of_a_model(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            FaceAugmentation(Augmentation(**ALL), seed=3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse", jit_compile=keras.backend.backend() == "jax")
    x = faces().astype("float32") / 255  # small, so that the loss stays finite
    model.fit(x, np.zeros(COUNT), batch_size=10, verbose=0)  # the last batch is smaller
    assert np.isfinite(model.get_weights()[0]).all()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.layers[0].augmentation == Augmentation(**ALL)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_config():
    layer = check_config(
        FaceAugmentation,
        augmentation=Augmentation(rotation=3.0).get_config(),
        seed=7,
        name="changes",
    )
    assert layer.augmentation == Augmentation(rotation=3.0)
    assert isinstance(layer, keras.layers.Layer)
