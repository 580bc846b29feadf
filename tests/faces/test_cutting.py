"""Squares cut out of a picture at every scale and turn."""

import tracemalloc

import numpy as np
import pytest

from keras_dldl.faces.cutting import Picture, cut


@pytest.mark.parametrize("scale", [0.7, 1.0, 3.1, 9j, 5 - 5j])
def test_a_square_shows_the_same_place_at_every_scale(scale):
    y, x = np.mgrid[:301, :407] / 400
    image = np.stack([255 * x / 1.02, 255 * y, 128 + 0 * x], axis=2).astype(np.uint8)
    shift = complex(203, 150) - scale * (8 + 8j)
    expected = cut(image, scale, shift, 16, quick=True).astype(int)
    found = Picture(image).cut(scale, shift, 16).astype(int)
    assert np.abs(found - expected).max() <= 3
    assert expected[..., :2].std() > 1


def test_the_picture_may_be_one_pixel_and_the_square_large():
    found = Picture(np.full((1, 1, 3), 7, np.uint8)).cut(100.0, -800 - 800j, 16)
    assert found.shape == (16, 16, 3) and (found == 7).all()


@pytest.mark.parametrize("scale", [0.5, 3j, 20 + 5j])
@pytest.mark.parametrize("place", [-50_000, 50_000, -50_000j, 50_000j, 40_000 - 60_000j])
def test_far_outside_the_edge_is_repeated_without_the_memory_for_the_way(scale, place):
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    near = 1000 * np.sign(place.real) + 1000j * np.sign(place.imag)  # outside as a whole, too
    middle = 20 + 15j - scale * (8 + 8j)
    expected = cut(image, scale, middle + near, 16)
    tracemalloc.start()
    found = cut(image, scale, middle + place, 16)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(found, expected)
    assert most < 2**20
