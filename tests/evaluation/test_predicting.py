"""The worst and the best faces of a stream."""

import io

import numpy as np
import pytest
from PIL import Image

from keras_dldl.evaluation.predicting import SIDE, Extremes, Pictures, thumbnail


def kept(error, count, batch=7, side=16):
    """Let faces pass whose brightness is their number; return what is kept."""
    extremes = Extremes(count)
    for first in range(0, len(error), batch):
        numbers = range(first, min(first + batch, len(error)))
        images = np.stack([np.full((side, side, 3), k, np.float32) for k in numbers])
        extremes.add(numbers, images, np.asarray(error[first : first + batch], np.float64))
    return extremes.pictures()


@pytest.mark.parametrize("batch", [1, 7, 200])
def test_the_extremes_are_those_of_sorting(batch):
    error = np.random.default_rng(0).gamma(2, 3, 100)
    found = kept(error, 8, batch)
    assert [number for number, _ in found.worst] == np.argsort(-error)[:8].tolist()
    assert [number for number, _ in found.best] == np.argsort(error)[:8].tolist()


def test_of_equal_errors_the_first_faces_are_shown():
    found = kept(np.ones(20), 3)
    assert [number for number, _ in found.worst] == [0, 1, 2]


@pytest.mark.parametrize(("count", "worst", "best"), [(1, 1, 0), (2, 1, 1), (5, 3, 2), (9, 4, 4)])
def test_of_few_faces_each_is_shown_once(count, worst, best):
    found = kept(np.arange(count), 4)
    assert (len(found.worst), len(found.best)) == (worst, best)
    numbers = [number for number, _ in (*found.worst, *found.best)]
    assert len(set(numbers)) == len(numbers)


def test_pictures_are_of_the_faces_they_name():
    for number, jpeg in kept(np.arange(60), 5).worst:
        image = np.asarray(Image.open(io.BytesIO(jpeg)))
        assert image.shape == (16, 16, 3) and abs(int(image[8, 8, 0]) - number) <= 2


def test_thumbnails_are_small_and_none_are_kept_where_none_are_wanted():
    image = Image.open(io.BytesIO(thumbnail(np.zeros((224, 224, 3), np.uint8))))
    assert (image.format, image.size) == ("JPEG", (SIDE, SIDE))
    assert kept(np.arange(9), 0) == Pictures([], [])
