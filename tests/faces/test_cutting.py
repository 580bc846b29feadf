"""Squares cut out of a picture at every scale and turn."""

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
