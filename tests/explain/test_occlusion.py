"""Occlusion: against a slow loop, and a planted cue that it must find."""

import keras
import numpy as np
import pytest

from keras_dldl.errors import ConfigError, DataError
from keras_dldl.explain.occlusion import occlusion_sensitivity
from keras_dldl.labels import LabelGrid
from keras_dldl.methods import get_method
from keras_dldl.models import FaceModel
from keras_dldl.ops import position_distribution
from tests.models.given import backbone, squares

CUE = np.s_[:, 8:16, 16:24]  # rows and columns that carry the age, of 32


class Reader:
    """A model that reads the age off the mean brightness of one region."""

    input_size = 32
    grid = LabelGrid.age()
    method = get_method("mr-l1")

    def __init__(self):
        self.batches = []

    def __call__(self, images, training):
        assert not training
        self.batches.append(len(images))
        return position_distribution(images[CUE].mean(axis=(1, 2, 3)) / 2.55, 101)


def planted(count, seed=0):
    """Noise everywhere but at the cue, which is as bright as the face is old."""
    random = np.random.default_rng(seed)
    ages = random.uniform(0, 100, count)
    images = random.integers(0, 256, (count, 32, 32, 3)).astype("float32")
    images[CUE] = ages[:, None, None, None] * 2.55
    return images, ages


@pytest.mark.parametrize(
    ("shape", "size", "stride", "places"),
    [("square", 8, 4, (7, 7)), ("horizontal", 6, 6, (6, 1)), ("vertical", 32, 32, (1, 1))],
)
def test_against_a_slow_loop(shape, size, stride, places):
    images, ages = planted(5)
    model = Reader()
    found = occlusion_sensitivity(
        model, images, ages, shape, size=size, stride=stride, colour=(255, 0, 51), batch_size=2
    )
    assert max(model.batches) == 2
    assert found.mae.shape == places
    assert found.baseline == pytest.approx(0, abs=1e-4)
    high = 32 if shape == "vertical" else size
    wide = 32 if shape == "horizontal" else size
    for row, top in enumerate(found.tops):
        for column, left in enumerate(found.lefts):
            covered = images.copy()
            covered[:, top : top + high, left : left + wide] = (255, 0, 51)
            expected = np.abs(covered[CUE].mean(axis=(1, 2, 3)) / 2.55 - ages).mean()
            assert found.mae[row, column] == pytest.approx(expected, abs=1e-3)


def test_the_cover_reaches_every_pixel_and_no_further_and_is_the_papers_by_default():
    images, ages = planted(2)
    found = occlusion_sensitivity(Reader(), images, ages, size=6, stride=5)
    assert found.tops.tolist() == [0, 5, 10, 15, 20, 25, 26]
    assert np.isfinite(found.pixels(32)).all()
    sparse = occlusion_sensitivity(Reader(), images, ages, size=2, stride=15).pixels(32)
    assert np.isfinite(sparse).sum() == 36  # nine squares of four
    only = occlusion_sensitivity(Reader(), images, ages, "vertical", size=4).pixels(32)
    np.testing.assert_array_equal(only, np.broadcast_to(only[:1], (32, 32)))
    model = Reader()
    model.input_size = 224
    found = occlusion_sensitivity(model, np.zeros((1, 224, 224, 3), np.uint8), [0.0])
    assert (found.size, found.mae.shape) == ((32, 32), (7, 7))


def test_a_planted_cue_is_found_in_a_trained_model():
    keras.utils.set_random_seed(0)

    def features(x):
        return keras.layers.Flatten()(keras.layers.AveragePooling2D(2)(squares(x, 4, 4)))

    with backbone(features) as name:
        model = FaceModel(name, LabelGrid.age(), "mr-l2", input_size=32)
    images, ages = planted(256)
    trained = model.training_model()
    trained.compile(keras.optimizers.Adam(0.01), model.method.loss(model.grid))
    trained.fit(images, ages, epochs=20, batch_size=32, verbose=0)
    faces, truth = planted(64, seed=1)
    square = occlusion_sensitivity(model, faces, truth, size=8)
    assert np.unravel_index(square.rise.argmax(), (4, 4)) == (1, 2)
    assert square.baseline < 12
    rise = square.pixels(32)
    inside = np.zeros((32, 32), bool)
    inside[CUE[1:]] = True
    assert rise[inside].mean() > 5
    assert np.abs(rise[~inside]).mean() < 0.3 * rise[inside].mean()
    for shape, place in (("horizontal", 1), ("vertical", 2)):
        strips = occlusion_sensitivity(model, faces, truth, shape, size=8)
        assert strips.rise.argmax() == place


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"shape": "round"}, ConfigError, "shape='round'"),
        ({"size": 0}, ConfigError, "size=0"),
        ({"size": 33}, ConfigError, "32 pixels or less"),
        ({"stride": 1.5}, ConfigError, "stride=1.5"),
        ({"batch_size": 0}, ConfigError, "batch_size=0"),
        ({"images": np.zeros((2, 31, 32, 3))}, DataError, "shape \\(2, 31, 32, 3\\)"),
        ({"images": np.zeros((0, 32, 32, 3)), "labels": []}, DataError, "shape \\(0"),
        ({"labels": [1.0]}, DataError, "2 numbers"),
        ({"labels": [1.0, np.nan]}, DataError, "1 not finite"),
    ],
)
def test_bad_input(change, error, message):
    images, ages = planted(2)
    with pytest.raises(error, match=message):
        occlusion_sensitivity(**{"model": Reader(), "images": images, "labels": ages, **change})
