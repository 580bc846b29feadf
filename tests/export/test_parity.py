"""The check of exports: it lets the right numbers pass and stops every kind of wrong ones."""

from types import SimpleNamespace

import numpy as np
import pytest

from keras_dldl.errors import KerasDLDLError
from keras_dldl.export import parity
from keras_dldl.export.parity import ParityError, generated_images, keras_outputs
from keras_dldl.labels import LabelGrid
from tests.evaluation.given import tiny_model


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def right(model):
    """What Keras gives for the images that are compared, by mirror and their number."""
    batches = [generated_images(n, 32, seed=n) for n in (1, 5)]
    return {
        mirror: {len(images): keras_outputs(model, images, mirror) for images in batches}
        for mirror in (True, False)
    }


@pytest.fixture
def compared(model, right, monkeypatch):
    """Compare with Keras what a function makes of its own outputs."""
    monkeypatch.setattr(
        parity, "keras_outputs", lambda _, images, mirror: right[mirror][len(images)]
    )

    def compared(spoil=lambda outputs: outputs, mirror=True, model=model):
        run = lambda batches: [spoil(right[mirror][len(images)]) for images in batches]  # noqa: E731
        return parity.compare(run, model)

    return compared


def test_keras_itself_agrees(compared):
    found = compared()
    assert (found.value, found.std, found.distribution) == (0, 0, 0)
    assert (found.unit, found.images) == ("years", 6)
    points = SimpleNamespace(grid=LabelGrid.scut_fbp(), input_size=32)
    assert compared(model=points).unit == "points"


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


def test_a_small_difference_is_measured(compared):
    found = compared(lambda o: o | {"value": o["value"] + 5e-4})
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
def test_wrong_outputs_are_stopped(compared, spoil, message):
    with pytest.raises(ParityError, match=message) as stopped:
        compared(spoil)
    assert isinstance(stopped.value, KerasDLDLError)


def test_a_lost_mirror_image_is_stopped(compared):
    with pytest.raises(ParityError, match="agree with Keras"):
        compared(mirror=False)


def test_generated_images_are_of_all_kinds():
    images = generated_images(4, 33, seed=1)
    assert images.shape == (4, 33, 33, 3) and images.dtype == np.uint8
    assert (images == generated_images(4, 33, seed=1)).all()
    assert (images != images[:, :, ::-1]).mean() > 0.5
    steps = np.abs(np.diff(images.astype(int), axis=2)).mean(axis=(1, 2, 3))
    assert steps[0] < 20 < steps[1], "smooth and noisy ones alternate"
