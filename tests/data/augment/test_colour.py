"""Colours against float64 NumPy, in every order."""

import itertools

import numpy as np
import pytest

from keras_dldl.data.augment import colour
from keras_dldl.data.augment import tensorflow_ops as ops
from keras_dldl.data.augment.colour import luma
from keras_dldl.data.augment.table import LUMA
from tests.data.augment.given import batch, draws, picture

FACTORS = {"brightness": 1.2, "contrast": 0.7, "saturation": 1.3}


def step(image, name, factor):
    grey = (image @ np.array(LUMA))[..., None]
    other = {"brightness": 0 * grey, "contrast": grey.mean(), "saturation": grey}[name]
    return factor * image + (1 - factor) * other


@pytest.mark.parametrize("order", list(itertools.permutations(FACTORS)))
def test_the_one_change_is_the_three_in_any_order(order):
    expected = picture()
    for name in order:
        expected = step(expected, name, FACTORS[name])
    changed = colour.recolour(ops, batch(), draws(**FACTORS)).numpy()[0]
    np.testing.assert_allclose(changed, np.clip(expected, 0, 255), atol=1e-2)


def test_clipped_once_at_the_end():
    changed = colour.recolour(ops, batch(), draws(brightness=1.4, contrast=1.4)).numpy()[0]
    expected = step(step(picture(), "brightness", 1.4), "contrast", 1.4)
    assert expected.max() > 300
    np.testing.assert_allclose(changed, np.clip(expected, 0, 255), atol=1e-2)


def test_grey_is_luma_before_the_other_changes():
    changed = colour.recolour(ops, batch(), draws(grey=1.0, **FACTORS)).numpy()[0]
    expected = np.repeat((picture() @ np.array(LUMA))[..., None], 3, axis=-1)
    for name, factor in FACTORS.items():
        expected = step(expected, name, factor)
    np.testing.assert_allclose(changed, np.clip(expected, 0, 255), atol=1e-2)


def test_luma():
    np.testing.assert_allclose(luma(batch())[0, ..., 0], picture() @ LUMA, atol=1e-3)


def test_neutral_draws_change_nothing():
    np.testing.assert_allclose(colour.recolour(ops, batch(2), draws(2)), batch(2), atol=1e-3)


def test_an_erased_rectangle_shows_the_mean_colour():
    image = picture()
    given = draws(erased=1.0, erase_height=0.25, erase_width=0.5, erase_y=0.5, erase_x=0.0)
    changed = colour.erase(ops, batch(), given).numpy()[0]
    inside = np.zeros(image.shape[:2], bool)
    inside[24:40, 0:32] = True
    np.testing.assert_allclose(changed[inside], [image.mean(axis=(0, 1))] * inside.sum(), atol=1e-2)
    np.testing.assert_allclose(changed[~inside], image[~inside], atol=1e-3)


def test_nothing_is_erased_unless_drawn():
    given = draws(2, erase_height=0.5, erase_width=0.5)
    given["erased"] = np.array([0, 1], np.float32)
    first, second = colour.erase(ops, batch(2), given).numpy()
    np.testing.assert_allclose(first, picture(), atol=1e-3)
    assert np.abs(second - picture()).max() > 10


def test_gamma_and_warmth_by_hand():
    found = colour.tint(ops, batch(), draws(gamma=2.0, warmth=0.1)).numpy()[0]
    expected = 255 * (picture() / 255) ** 2 * np.array([1.1, 1.0, 0.9])
    np.testing.assert_allclose(found, np.clip(expected, 0, 255), atol=1e-2)


def test_sepia_is_one_brown_in_all_shades():
    found = colour.tint(ops, batch(), draws(sepia=1.0)).numpy()[0]
    expected = (picture() @ LUMA)[..., None] * np.array([1.18, 1.0, 0.82])
    np.testing.assert_allclose(found, np.clip(expected, 0, 255), atol=1e-2)
