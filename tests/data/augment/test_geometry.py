"""The moves against SciPy and scikit-image in float64, one by one and all in one resampling."""

import functools
import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage
from skimage import transform

from keras_dldl.data.augment import geometry
from keras_dldl.data.augment import tensorflow_ops as ops
from keras_dldl.data.augment.tensorflow_ops import compiled_stage
from tests.data.augment.given import batch, draws, picture

SIZE = 64
INSIDE = np.s_[12:-12, 12:-12]
# Bilinear interpolation of waves of at most 6 radians a side and 60 levels is good to 0.1 level at
# 64 pixels; the referees' cubic splines add nothing that shows.
TOLERANCE = 0.25


def lowered(images, sides, stage=functools.partial):
    for _ in range(2):
        images = stage(geometry.reduce_rows, ops)(images, sides)
    return images


def moved(**changed):
    given = draws(**changed)
    sides = geometry.reduced_sides(ops, given, SIZE)
    images = lowered(batch(), sides) if changed.get("resolution") else batch()
    beyond = {"cut", "outside"} & {name.split("_")[0] for name in changed}
    outside = given if beyond else None
    return geometry.warp(ops, images, geometry.fused(ops, given), sides, outside).numpy()[0]


def about_centre(matrix):
    """Return scikit-image's map of output to input pixels for a 2 x 2 matrix about the centre."""
    middle = (SIZE - 1) / 2
    matrix = np.array([[*matrix[0], 0], [*matrix[1], 0], [0, 0, 1.0]])
    there = np.array([[1, 0, middle], [0, 1, middle], [0, 0, 1]])
    return transform.AffineTransform(matrix=there @ matrix @ np.linalg.inv(there))


def warped(image, matrix):
    return transform.warp(image, about_centre(matrix), order=3, mode="edge", preserve_range=True)


def mirror(image):
    return image[:, ::-1]


def rotate(image, degrees=11.0):
    # scikit-image turns to the left.
    return transform.rotate(image, -degrees, order=3, mode="edge", preserve_range=True)


def shear(image, degrees=6.0):
    return warped(image, [[1, math.tan(math.radians(degrees))], [0, 1]])


def zoom(image, factor=1.15):
    return warped(image, [[1 / factor, 0], [0, 1 / factor]])


def shift(image, dx=0.05, dy=-0.03):
    return ndimage.shift(image, (dy * SIZE, dx * SIZE, 0), order=3, mode="nearest")


def crop(image):
    window = image[3 : 3 + 48, 10 : 10 + 48]  # of 16 pixels of room: 3/16 and 10/16
    return transform.resize(window, image.shape, order=3, anti_aliasing=False, preserve_range=True)


MOVES = [
    (mirror, {"mirrored": 1.0}),
    (rotate, {"angle": math.radians(11)}),
    (shear, {"shear": math.radians(6)}),
    (zoom, {"zoom": 1.15}),
    (shift, {"dx": 0.05, "dy": -0.03}),
    (crop, {"crop": 0.75, "crop_x": 10 / 16, "crop_y": 3 / 16}),
]


@pytest.mark.parametrize(("referee", "changed"), MOVES, ids=[f.__name__ for f, _ in MOVES])
def test_each_move_is_the_referees(referee, changed):
    expected = referee(picture())
    assert np.abs(expected - picture())[INSIDE].max() > 5
    np.testing.assert_allclose(moved(**changed)[INSIDE], expected[INSIDE], atol=TOLERANCE)


def test_all_moves_in_one_resampling_are_the_sequence_of_single_ones():
    expected, changed = picture(), {}
    for referee, more in MOVES:
        expected = referee(expected)
        changed |= more
    np.testing.assert_allclose(moved(**changed)[INSIDE], expected[INSIDE], atol=TOLERANCE)
    in_steps = batch()
    full = tf.constant([float(SIZE)])
    for matrix in geometry.moves(ops, draws(**changed)):
        in_steps = geometry.warp(ops, in_steps, matrix, full)
    error = np.abs(moved(**changed) - expected)[INSIDE]
    assert error.mean() < np.abs(in_steps[0] - expected)[INSIDE].mean()  # one blurs less than six


def test_every_image_has_its_own_move():
    given = {name: tf.concat([value, value], 0) for name, value in draws().items()}
    given["mirrored"] = tf.constant([0.0, 1.0])
    images = geometry.warp(ops, batch(2), geometry.fused(ops, given), tf.constant([64.0, 64.0]))
    np.testing.assert_allclose(images[0], picture(), atol=1e-3)
    np.testing.assert_allclose(images[1], picture()[:, ::-1], atol=1e-3)


@pytest.mark.parametrize("share", [0.5, 0.7])
def test_lower_resolution_is_tensorflows_cubic_resize(share):
    rng = np.random.default_rng(0)
    images = rng.integers(60, 200, (2, SIZE, SIZE, 3)).astype(np.uint8)
    side = round(share * SIZE)
    found = lowered(images, tf.constant([float(side), float(SIZE)])).numpy()
    expected = tf.image.resize(images[:1], [side, side], "bicubic").numpy()[0]  # by a table
    inner = np.s_[2 : side - 2, 2 : side - 2]
    np.testing.assert_allclose(found[0][inner], expected[inner], atol=1.5)  # rounded twice
    np.testing.assert_array_equal(found[1], images[1])


def test_a_lower_resolution_is_brought_back_by_the_warp():
    expected = transform.resize(
        transform.resize(picture(), (40, 40), order=3, anti_aliasing=False, preserve_range=True),
        (SIZE, SIZE),
        order=1,
        preserve_range=True,
    )
    found = moved(resolution=40 / SIZE)
    # Rounded twice on the way.
    np.testing.assert_allclose(found[INSIDE], expected[INSIDE], atol=1 + TOLERANCE)
    rotated = moved(resolution=40 / SIZE, angle=math.radians(11))
    np.testing.assert_allclose(rotated[INSIDE], rotate(picture())[INSIDE], atol=1.5)


def test_compiled_and_plain_agree():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (3, 40, 40, 3)).astype(np.uint8)
    sides = tf.constant([40.0, 23.0, 31.0])
    given = draws(3, angle=0.3, shear=0.1, zoom=0.8, dx=0.2, mirrored=1.0)
    matrices = geometry.fused(ops, given)
    plain, compiled = lowered(images, sides), lowered(images, sides, compiled_stage)
    assert np.abs(compiled.numpy().astype(int) - plain.numpy()).max() <= 1
    expected = geometry.warp(ops, plain, matrices, sides)
    found = compiled_stage(geometry.warp, ops)(plain, matrices, sides)
    np.testing.assert_allclose(found, expected, atol=1e-2)


def shifted(dy, dx, mode):
    return ndimage.shift(picture(), (dy, dx, 0), order=1, mode=mode)


def replaced(rows, columns, by):
    expected = picture()
    expected[rows, columns] = by
    return expected


COLOUR = {"outside_red": 10.0, "outside_green": 20.0, "outside_blue": 30.0}
ALL, PICTURE = np.s_[:], picture()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"dx": 20 / SIZE}, shifted(0, 20, "nearest")),
        (
            {"dx": 20 / SIZE, "dy": -30 / SIZE, "outside_mirrored": 1.0},
            shifted(-30, 20, "mirror"),
        ),
        (
            {"dx": 20 / SIZE, "outside_filled": 1.0, **COLOUR},
            np.concatenate([np.full((SIZE, 20, 3), [10, 20, 30]), PICTURE[:, :-20]], axis=1),
        ),
        ({"cut_left": 0.25}, replaced(ALL, np.s_[:16], PICTURE[:, 16:17])),
        ({"cut_right": 0.25}, replaced(ALL, np.s_[48:], PICTURE[:, 47:48])),
        ({"cut_top": 0.25}, replaced(np.s_[:16], ALL, PICTURE[16:17])),
        ({"cut_bottom": 0.25}, replaced(np.s_[48:], ALL, PICTURE[47:48])),
        ({"cut_left": 0.25, "outside_filled": 1.0}, replaced(ALL, np.s_[:16], 0.0)),
    ],
    ids=["edges", "mirrored", "colour", "left", "right", "top", "bottom", "black"],
)
def test_beyond_the_photo(changed, expected):
    np.testing.assert_allclose(moved(**changed), expected, atol=1e-2)
