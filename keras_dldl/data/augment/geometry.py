"""Moving pixels: all moves as one matrix, and one resampling by it.

Coordinates are (x, y) from the centre of the image in units of its side, so that they mean the same
at every resolution; -0.5 ... 0.5 spans the image, and a pixel is at its centre.
"""

import tensorflow as tf

from keras_dldl.data.augment.compiled import compiled


def moves(draws: dict[str, tf.Tensor]) -> list[tf.Tensor]:
    """Return each move as (B, 3, 3) matrices, in the order in which the moves are made.

    They lead back, from a place in the moved image to the place whose pixel it shows.
    """
    cos, sin = tf.cos(draws["angle"]), tf.sin(draws["angle"])
    crop = draws["crop"]
    return [
        _matrix(a=1.0 - 2.0 * draws["mirrored"]),
        _matrix(a=cos, b=sin, d=-sin, e=cos),
        _matrix(a=tf.ones_like(cos), b=tf.tan(draws["shear"])),
        _matrix(a=1.0 / draws["zoom"], e=1.0 / draws["zoom"]),
        _matrix(a=tf.ones_like(cos), c=-draws["dx"], f=-draws["dy"]),
        _matrix(
            a=crop,
            e=crop,
            c=(draws["crop_x"] - 0.5) * (1.0 - crop),
            f=(draws["crop_y"] - 0.5) * (1.0 - crop),
        ),
    ]


def fused(draws: dict[str, tf.Tensor]) -> tf.Tensor:
    """Return all moves as one (B, 3, 3) matrix."""
    matrices = moves(draws)
    product = matrices[0]
    for matrix in matrices[1:]:
        product = tf.matmul(product, matrix)
    return product


def _matrix(a, b=0.0, c=0.0, d=0.0, e=1.0, f=0.0) -> tf.Tensor:
    rows = [tf.zeros_like(a) + value for value in (a, b, c, d, e, f, 0.0, 0.0, 1.0)]
    return tf.reshape(tf.stack(rows, axis=1), [-1, 3, 3])


def reduced_sides(draws: dict[str, tf.Tensor], size: int) -> tf.Tensor:
    """Return the sides in whole pixels, (B,) float32, to which the images are reduced."""
    return tf.maximum(1.0, tf.round(draws["resolution"] * size))


def lower_resolution(images: tf.Tensor, sides: tf.Tensor) -> tf.Tensor:
    """Reduce each image to its side, into the upper left corner of an image of the full size.

    By cubic interpolation without smoothing first, as the reference code does it.

    Args:
        images: (B, S, S, 3), 0 ... 255, of any dtype.
        sides: (B,) float32, whole numbers from 1 to S.

    Returns:
        (B, S, S, 3) uint8; outside the corner it is undefined.
    """
    # Rows lie together in memory, columns do not: turning the image round twice is quicker than
    # reducing the columns where they are. Compiled one by one, since together one step would be
    # done anew for each pixel of the next that reads it.
    for _ in range(2):
        images = _turned(_reduce_rows(images, sides))
    return images


@compiled
def _reduce_rows(images: tf.Tensor, sides: tf.Tensor) -> tf.Tensor:
    parts = [
        tf.cast(tf.gather(images, index, axis=1, batch_dims=1), tf.float32) * w[:, :, None, None]
        for index, w in _cubic_taps(images.shape[1], sides)
    ]
    return tf.cast(tf.clip_by_value(tf.add_n(parts) + 0.5, 0.0, 255.0), tf.uint8)


@compiled
def _turned(images: tf.Tensor) -> tf.Tensor:
    return tf.transpose(images, [0, 2, 1, 3])


def _cubic_taps(size: int, sides: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """Return indices and weights, (B, S) each, of the four pixels behind each reduced one."""
    step = (size / sides)[:, None]
    place = (tf.range(size, dtype=tf.float32)[None, :] + 0.5) * step - 0.5
    place = tf.clip_by_value(place, 0.0, size - 1.0)
    first = tf.floor(place)
    t = place - first
    weights = (  # Catmull and Rom, 1974
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    )
    first = tf.cast(first, tf.int32)
    return [(tf.clip_by_value(first + k - 1, 0, size - 1), w) for k, w in enumerate(weights)]


@compiled
def warp(images: tf.Tensor, matrices: tf.Tensor, sides: tf.Tensor) -> tf.Tensor:
    """Show in each pixel the place to which the matrix leads, by bilinear interpolation.

    Args:
        images: (B, S, S, 3), 0 ... 255, of any dtype; each is its upper left corner of `sides`.
        matrices: (B, 3, 3), from places in the result to places in the image; beyond the border
            the border's colours are repeated.
        sides: (B,) float32, whole numbers from 1 to S.

    Returns:
        (B, S, S, 3) float32.
    """
    count, size = images.shape[0] or tf.shape(images)[0], images.shape[1]
    x, y = _source_places(size, matrices, sides)
    left, top = tf.floor(x), tf.floor(y)
    right_share, below_share = (x - left)[..., None], (y - top)[..., None]
    left, top = tf.cast(left, tf.int32), tf.cast(top, tf.int32)
    last = tf.cast(sides, tf.int32)[:, None, None] - 1
    right, below = tf.minimum(left + 1, last), tf.minimum(top + 1, last)
    pixels = tf.reshape(images, [-1, 3])
    first = (tf.range(count) * (size * size))[:, None, None]

    def along(row: tf.Tensor) -> tf.Tensor:
        a, b = (tf.gather(pixels, first + row * size + column) for column in (left, right))
        a, b = tf.cast(a, tf.float32), tf.cast(b, tf.float32)
        return a + (b - a) * right_share

    upper, lower = along(top), along(below)
    return upper + (lower - upper) * below_share


def _source_places(size: int, matrices: tf.Tensor, sides: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return column and row, (B, S, S) each, of the place behind each pixel of the result."""
    axis = (tf.range(size, dtype=tf.float32) + 0.5) / size - 0.5
    across, down = axis[None, None, :], axis[None, :, None]
    sides = sides[:, None, None]

    def place(row: int) -> tf.Tensor:
        a, b, c = (matrices[:, row, k, None, None] for k in range(3))
        centred = a * across + b * down + c
        return tf.clip_by_value((centred + 0.5) * sides - 0.5, 0.0, sides - 1.0)

    return place(0), place(1)
