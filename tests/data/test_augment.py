"""Augmentations against hand-made cases, NumPy and SciPy; draws handed in."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from keras_dldl.data import augment as ops
from keras_dldl.data.augment import Augmentation
from keras_dldl.errors import ConfigError

NEUTRAL = {
    "mirrored": 0.0, "grey": 0.0, "angle": 0.0, "zoom": 1.0, "dx": 0.0, "dy": 0.0,
    "brightness": 1.0, "contrast": 1.0, "saturation": 1.0,
}  # fmt: skip


def draws(count=1, order=0, **changed):
    values = {**NEUTRAL, **changed}
    made = {name: tf.fill([count], tf.constant(value)) for name, value in values.items()}
    return made | {"order": tf.constant(order)}


def images(count=1, size=33):
    y, x = np.mgrid[:size, :size] / size
    waves = [120 + 80 * np.sin(5 * x + k) * np.cos(4 * y - k) for k in range(3)]
    return np.stack([np.stack(waves, axis=-1)] * count).astype(np.float32)


def test_neutral_draws_change_nothing():
    np.testing.assert_allclose(ops.apply_batch(images(), draws()), images(), atol=1e-3)


def test_mirror():
    changed = ops.apply_batch(images(2), draws(2, mirrored=1.0))
    np.testing.assert_allclose(changed, images(2)[:, :, ::-1], atol=1e-3)


@pytest.mark.parametrize("degrees", [90, -15, 4])
def test_rotation_is_scipys(degrees):
    changed = ops.warp(images(), draws(angle=math.radians(degrees)))[0]
    expected = ndimage.rotate(images()[0], degrees, reshape=False, order=1, mode="nearest")
    # SciPy turns (row, column) the other way round than (x, y) is turned here, or it does not: the
    # sign is a convention, so the better of the two must fit, inside the border.
    opposite = ndimage.rotate(images()[0], -degrees, reshape=False, order=1, mode="nearest")
    inner = np.s_[6:-6, 6:-6]
    errors = [np.abs(changed[inner] - other[inner]).max() for other in (expected, opposite)]
    assert min(errors) < 0.1


def test_shift_moves_by_a_share_of_the_side():
    picture = np.zeros((1, 40, 40, 3), np.float32)
    picture[0, 10, 12] = 255
    changed = ops.warp(picture, draws(dx=0.25, dy=0.1)).numpy()[0, :, :, 0]
    assert np.unravel_index(changed.argmax(), changed.shape) == (14, 22)


def test_zoom_keeps_the_centre_and_enlarges():
    picture = np.zeros((1, 41, 41, 3), np.float32)
    picture[0, 15:26, 15:26] = 255
    changed = ops.warp(picture, draws(zoom=1.5)).numpy()[0, :, :, 0]
    assert changed[20, 20] == 255
    assert (changed > 127).sum() == pytest.approx((picture[0, :, :, 0] > 0).sum() * 2.25, rel=0.15)


def test_grey_is_luma():
    changed = ops.apply_batch(images(), draws(grey=1.0)).numpy()
    luma = images() @ np.array([0.299, 0.587, 0.114], np.float32)
    np.testing.assert_allclose(changed, np.repeat(luma[..., None], 3, axis=-1), atol=1e-2)


@pytest.mark.parametrize("order", range(6))
def test_colour_changes_follow_their_order(order):
    factors = {"b": 1.3, "c": 0.7, "s": 1.2}
    names = {"brightness": 1.3, "contrast": 0.7, "saturation": 1.2}
    expected = images().astype(np.float64)
    for letter in ("bcs", "bsc", "cbs", "csb", "sbc", "scb")[order]:
        luma = (expected @ np.array(ops.LUMA))[..., None]
        other = {"b": 0 * luma, "c": luma.mean(axis=(1, 2, 3), keepdims=True), "s": luma}[letter]
        expected = np.clip(factors[letter] * expected + (1 - factors[letter]) * other, 0, 255)
    changed = ops.apply_batch(images(), draws(order=order, **names))
    np.testing.assert_allclose(changed, expected, atol=2e-2)


def test_draws_stay_in_their_ranges_and_repeat_with_the_seed():
    augmentation = Augmentation(zoom=0.2, shift=0.1)
    seed = tf.constant([5, 9], tf.int64)
    first, again = (ops.draw_batch(augmentation, tf.constant(4000), seed) for _ in range(2))
    for name, value in first.items():
        np.testing.assert_array_equal(value, again[name])
    limits = {"angle": math.radians(15), "zoom": 0.2, "dx": 0.1, "brightness": 0.4}
    for name, width in limits.items():
        deviation = first[name].numpy() - NEUTRAL[name]
        assert np.abs(deviation).max() <= width + 1e-6
        assert deviation.std() == pytest.approx(width / math.sqrt(3), rel=0.05)
    assert first["mirrored"].numpy().mean() == pytest.approx(0.5, abs=0.03)


def test_lower_resolution_blurs_and_keeps_the_mean():
    rng = np.random.default_rng(0)
    noise = rng.uniform(60, 200, (32, 32, 3)).astype(np.float32)
    blurred = ops.lower_resolution(noise, tf.constant(0.5), 32).numpy()
    assert blurred.std() < 0.6 * noise.std()
    assert blurred.mean() == pytest.approx(noise.mean(), rel=0.01)


def test_config():
    changed = Augmentation(rotation=3, zoom=0.1)
    assert Augmentation.from_config(changed.get_config()) == changed
    with pytest.raises(ConfigError, match="Augmentations are flip.*Received: flop"):
        Augmentation.from_config({"flop": 1})
    with pytest.raises(ConfigError, match=r"`flip` must be a number in \[0, 1\].*flip=2"):
        Augmentation(flip=2)
