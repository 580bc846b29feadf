"""Blur, noise and JPEG against SciPy and Pillow, colours against float64 NumPy."""

import io
import itertools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import interpolate, ndimage, stats

from keras_dldl.data.augment import Augmentation, pixels
from keras_dldl.data.augment import tensorflow_ops as ops
from keras_dldl.data.augment.apply import apply
from tests.data.augment.given import batch, draws, picture

LUMA = np.array([0.299, 0.587, 0.114])


def textured(size):
    """Pictures with edges and fine detail, whole numbers."""
    rng = np.random.default_rng(2)
    coarse = rng.uniform(30, 220, (1, size // 8, size // 8, 3)).repeat(8, 1).repeat(8, 2)
    return np.rint(np.clip(coarse + rng.normal(0, 10, coarse.shape), 0, 255)).astype(np.float32)


def blurred(images, given, widest=0.03):
    for _ in range(2):
        images = pixels.blur_rows(ops, images, given, widest=widest)
    return images


@pytest.mark.parametrize("share", [0.01, 0.03])
def test_blur_is_scipys_gaussian(share):
    images = textured(64)
    found = blurred(images, draws(blur=share)).numpy()[0]
    width = share * 64
    expected = ndimage.gaussian_filter(
        images[0].astype(float), (width, width, 0), mode="nearest", radius=(5, 5, 0)
    )
    np.testing.assert_allclose(found, expected, atol=0.5)


@pytest.mark.parametrize("amount", [0.5, 0.0])
def test_sharpening_adds_what_blur_takes(amount):
    images, given = textured(64), draws(sharpen=amount)
    width = pixels.SHARPENED * 64
    soft = ndimage.gaussian_filter(images[0].astype(float), (width, width, 0), mode="nearest")
    found = pixels.sharpen(ops, images, blurred(images, given), given).numpy()[0]
    expected = np.clip((1 + amount) * images[0] - amount * soft, 0, 255)
    np.testing.assert_allclose(found, expected, atol=0.5 if amount else 1e-2)


def test_noise_is_normal_and_apart_for_each_value():
    images = np.full((2, 64, 64, 3), 128, np.float32)
    given = draws(2, noise=0.05)
    given["noise_place"] = np.array([0.1, 0.7], np.float32)
    noise = pixels.add_noise(ops, images, given).numpy() - images
    assert stats.kstest(noise[0].ravel() / (255 * 0.05), "norm").pvalue > 1e-3
    others = [noise[1].ravel(), noise[0][:, :, [1, 2, 0]].ravel(), np.roll(noise[0], 1, 0).ravel()]
    for other in others:
        assert abs(np.corrcoef(noise[0].ravel(), other)[0, 1]) < 0.05


def test_grain_is_grey_wider_than_a_pixel_and_as_strong_as_said():
    images = np.full((1, 96, 96, 3), 128, np.float32)
    grain = (pixels.add_noise(ops, images, draws(grain=0.05)).numpy() - images)[0]
    np.testing.assert_allclose(grain[..., 0], grain[..., 2], atol=1e-3)
    grain = grain[..., 0]
    assert grain.std() == pytest.approx(255 * 0.05, rel=0.05)
    beside = np.corrcoef(grain[:, 1:].ravel(), grain[:, :-1].ravel())[0, 1]
    assert beside == pytest.approx(0.5, abs=0.05)


def compressed(images, quality):
    return pixels.compress(ops, images, draws(quality=float(quality))).numpy()[0].astype(float)


def pillow(image, quality):
    file = io.BytesIO()
    Image.fromarray(image.astype(np.uint8)).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file).convert("RGB"), float)


@pytest.mark.parametrize("size", [64, 56])
@pytest.mark.parametrize("quality", [10, 30, 50, 75, 95])
def test_jpeg_is_pillows(quality, size):
    images = textured(size)
    expected = pillow(images[0], quality)
    # Colours are rounded otherwise on their way to half the resolution, so that now and then a
    # coefficient is the next one.
    error = np.abs(compressed(images, quality) - expected).mean()
    assert error < 0.15 * np.abs(expected - images[0]).mean()


@pytest.mark.parametrize("quality", [10, 50, 95])
def test_jpeg_of_a_grey_picture_is_pillows_to_rounding(quality):
    images = textured(64)[..., :1].repeat(3, axis=-1)
    assert np.abs(compressed(images, quality) - pillow(images[0], quality)).mean() < 0.35


def test_jpeg_of_quality_100_changes_nothing():
    np.testing.assert_array_equal(compressed(batch(), 100), np.rint(batch()[0]))
    assert np.abs(picture() - pillow(picture(), 20)).mean() > 0.5


def test_jpeg_is_of_the_small_photo_and_grows_with_it():
    images = textured(64)[..., :1].repeat(3, axis=-1)
    off = {"grey": 0, "brightness": 0, "contrast": 0, "saturation": 0}
    given = draws(resolution=0.5, quality=50.0)
    found = apply(
        ops, tf.cast(images, tf.uint8), given, Augmentation(resolution=0.5, jpeg=20.0, **off)
    ).numpy()[0]
    small = images[0].astype(float)
    for _ in range(2):  # cubic, along one axis and then the other
        padded = np.pad(small, [(1, 1), (0, 0), (0, 0)], mode="edge")
        taps = [padded[k : k + 64 : 2][:32] for k in range(4)]
        small = np.rint(np.clip(np.tensordot([-1, 9, 9, -1], taps, 1) / 16, 0, 255)).swapaxes(0, 1)
    place = np.clip((np.arange(64) + 0.5) / 2 - 0.5, 0, 31)  # linear, the edges repeated
    enlarged = interpolate.RegularGridInterpolator((np.arange(32),) * 2, pillow(small, 50))(
        np.stack(np.meshgrid(place, place, indexing="ij"), axis=-1)
    )
    assert np.abs(found - enlarged).mean() < 0.5
    assert np.abs(found - images[0]).mean() > 5


FACTORS = {"brightness": 1.8, "contrast": 1.3, "saturation": 1.3}


@pytest.mark.parametrize("grey", [0.0, 1.0])
@pytest.mark.parametrize("order", list(itertools.permutations(FACTORS)))
def test_the_one_change_is_the_three_in_any_order_clipped_once(order, grey):
    expected = picture()
    if grey:
        expected = (expected @ LUMA)[..., None].repeat(3, axis=-1)
    for name in order:
        luma, factor = (expected @ LUMA)[..., None], FACTORS[name]
        other = {"brightness": 0 * luma, "contrast": luma.mean(), "saturation": luma}[name]
        expected = factor * expected + (1 - factor) * other
    assert expected.max() > 300
    changed = pixels.recolour(ops, batch(), draws(grey=grey, **FACTORS)).numpy()[0]
    np.testing.assert_allclose(changed, np.clip(expected, 0, 255), atol=1e-2)


def test_an_erased_rectangle_shows_the_mean_colour():
    image, given = picture(), draws(2, erase_height=0.25, erase_width=0.5, erase_x=0.0)
    given["erased"] = np.array([0, 1], np.float32)
    kept, changed = pixels.erase(ops, batch(2), given).numpy()
    np.testing.assert_allclose(kept, image, atol=1e-3)
    expected = image.copy()
    expected[24:40, 0:32] = image.mean(axis=(0, 1))
    np.testing.assert_allclose(changed, expected, atol=1e-2)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"gamma": 2.0, "warmth": 0.1}, 255 * (picture() / 255) ** 2 * np.array([1.1, 1.0, 0.9])),
        ({"sepia": 1.0}, (picture() @ LUMA)[..., None] * np.array([1.18, 1.0, 0.82])),
    ],
)
def test_gamma_warmth_and_sepia_by_hand(changed, expected):
    found = pixels.tint(ops, batch(), draws(**changed)).numpy()[0]
    np.testing.assert_allclose(found, np.clip(expected, 0, 255), atol=1e-2)
