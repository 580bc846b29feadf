"""The check of exports: it lets the right numbers pass and stops every kind of wrong ones."""

import numpy as np
import pytest

from keras_dldl.errors import KerasDLDLError
from keras_dldl.export.parity import ParityError, compare, generated_images, keras_outputs
from keras_dldl.labels import LabelGrid
from tests.evaluation.given import tiny_model


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def runner(model, mirror=True, spoil=lambda outputs: outputs):
    return lambda batches: [spoil(keras_outputs(model, images, mirror)) for images in batches]


def test_keras_itself_agrees(model):
    found = compare(runner(model), model)
    assert (found.value, found.std, found.distribution) == (0, 0, 0)
    assert (found.unit, found.images) == ("years", 6)


def test_expected_values_are_those_of_a_slow_loop(model):
    images = generated_images(2, 32)
    outputs = keras_outputs(model, images, mirror=True)
    for i, image in enumerate(images):
        views = np.stack([image, np.fliplr(image)]).astype(np.float32)
        p = np.asarray(model(views), np.float64).mean(axis=0)
        value = sum(k * p[k] for k in range(101))
        std = np.sqrt(sum(p[k] * (k - value) ** 2 for k in range(101)))
        assert outputs["value"][i] == pytest.approx(value, abs=1e-4)
        assert outputs["std"][i] == pytest.approx(std, abs=1e-4)


def test_a_small_difference_is_measured(model):
    found = compare(runner(model, spoil=lambda o: o | {"value": o["value"] + 5e-4}), model)
    assert found.value == pytest.approx(5e-4, rel=1e-6)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda o: o | {"value": o["value"] + 2e-3}, "0.002 in `value`"),
        (lambda o: o | {"std": o["std"] * 1.01}, "in `std`"),
        (lambda o: o | {"distribution": np.roll(o["distribution"], 1, axis=1)}, "distribution"),
        (lambda o: o | {"value": o["value"][:, None]}, r"shape \(1,\)"),
        (lambda o: {"value": o["value"]}, "`std` must have the shape"),
        (lambda o: o | {"value": o["value"] * np.nan}, "finite"),
        (lambda o: {name: array[::-1] for name, array in o.items()}, "agree with Keras to 0.001"),
    ],
)
def test_wrong_outputs_are_stopped(model, spoil, message):
    with pytest.raises(ParityError, match=message) as stopped:
        compare(runner(model, spoil=spoil), model)
    assert isinstance(stopped.value, KerasDLDLError)


def test_a_lost_mirror_image_is_stopped(model):
    with pytest.raises(ParityError, match="agree with Keras"):
        compare(runner(model, mirror=False), model, mirror=True)


def test_points_are_named_points():
    model = tiny_model(LabelGrid.scut_fbp())
    assert compare(runner(model), model).unit == "points"


def test_generated_images_are_of_all_kinds():
    images = generated_images(4, 33, seed=1)
    assert images.shape == (4, 33, 33, 3) and images.dtype == np.uint8
    assert (images == generated_images(4, 33, seed=1)).all()
    assert (images != images[:, :, ::-1]).mean() > 0.5
    steps = np.abs(np.diff(images.astype(int), axis=2)).mean(axis=(1, 2, 3))
    assert steps[0] < 20 < steps[1], "smooth and noisy ones alternate"
