"""`geometry` in `keras.ops`: the same moves of pixels, on the device and back end that train."""

from typing import Any

from keras import ops


def fused(draws: dict[str, Any]) -> Any:
    """Return all moves as one (B, 3, 3) matrix, see `geometry.moves`."""
    cos, sin, one = ops.cos(draws["angle"]), ops.sin(draws["angle"]), ops.ones_like(draws["angle"])
    crop, zoom = draws["crop"], draws["zoom"]
    matrices = [
        _matrix(a=1.0 - 2.0 * draws["mirrored"]),
        _matrix(a=cos, b=sin, d=-sin, e=cos),
        _matrix(a=one, b=ops.tan(draws["shear"])),
        _matrix(a=1.0 / zoom, e=1.0 / zoom),
        _matrix(a=one, c=-draws["dx"], f=-draws["dy"]),
        _matrix(
            a=crop,
            e=crop,
            c=(draws["crop_x"] - 0.5) * (1.0 - crop),
            f=(draws["crop_y"] - 0.5) * (1.0 - crop),
        ),
    ]
    product = matrices[0]
    for matrix in matrices[1:]:
        product = _product(product, matrix)
    return product


def _matrix(a: Any, b: Any = 0.0, c: Any = 0.0, d: Any = 0.0, e: Any = 1.0, f: Any = 0.0) -> Any:
    rows = [ops.zeros_like(a) + value for value in (a, b, c, d, e, f, 0.0, 0.0, 1.0)]
    return ops.reshape(ops.stack(rows, axis=1), (-1, 3, 3))


def _product(left: Any, right: Any) -> Any:
    # Not a matrix product: accelerators shorten its operands to 10 bits by default, a quarter of a
    # pixel in an image of 224.
    return ops.sum(left[:, :, :, None] * right[:, None, :, :], axis=2)


def lower_resolution(images: Any, sides: Any) -> Any:
    """Reduce each image to its side, into the upper left corner of an image of the full size.

    Args:
        images: (B, S, S, 3), 0 ... 255, of any dtype.
        sides: (B,) float32, whole numbers from 1 to S.

    Returns:
        (B, S, S, 3) uint8; outside the corner it is undefined.
    """
    for _ in range(2):
        images = ops.transpose(_reduce_rows(images, sides), (0, 2, 1, 3))
    return images


def _reduce_rows(images: Any, sides: Any) -> Any:
    size = images.shape[1]
    rows = ops.reshape(images, (-1, size * 3))
    first_row = ops.arange(ops.shape(sides)[0], dtype="int32")[:, None] * size
    total = 0.0
    for index, weight in _cubic_taps(size, sides):
        taken = ops.take(rows, first_row + index, axis=0)
        total = total + ops.cast(taken, "float32") * weight[:, :, None]
    total = ops.cast(ops.clip(total + 0.5, 0.0, 255.0), "uint8")
    return ops.reshape(total, (-1, size, size, 3))


def _cubic_taps(size: int, sides: Any) -> list[tuple[Any, Any]]:
    """Return indices and weights, (B, S) each, of the four pixels behind each reduced one."""
    step = (size / sides)[:, None]
    place = (ops.arange(size, dtype="float32")[None, :] + 0.5) * step - 0.5
    place = ops.clip(place, 0.0, size - 1.0)
    first = ops.floor(place)
    t = place - first
    weights = (  # Catmull and Rom, 1974
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    )
    first = ops.cast(first, "int32")
    return [(ops.clip(first + k - 1, 0, size - 1), w) for k, w in enumerate(weights)]


def warp(images: Any, matrices: Any, sides: Any) -> Any:
    """Show in each pixel the place to which the matrix leads, by bilinear interpolation.

    Args:
        images: (B, S, S, 3), 0 ... 255, of any dtype; each is its upper left corner of `sides`.
        matrices: (B, 3, 3), from places in the result to places in the image; beyond the border
            the border's colours are repeated.
        sides: (B,) float32, whole numbers from 1 to S.

    Returns:
        (B, S, S, 3) float32.
    """
    size = images.shape[1]
    x, y = _source_places(size, matrices, sides)
    left, top = ops.floor(x), ops.floor(y)
    right_share, below_share = (x - left)[..., None], (y - top)[..., None]
    left, top = ops.cast(left, "int32"), ops.cast(top, "int32")
    last = ops.cast(sides, "int32")[:, None, None] - 1
    right, below = ops.minimum(left + 1, last), ops.minimum(top + 1, last)
    pixels = ops.reshape(images, (-1, 3))
    first = (ops.arange(ops.shape(sides)[0], dtype="int32") * (size * size))[:, None, None]

    def along(row: Any) -> Any:
        places = (first + row * size + column for column in (left, right))
        a, b = (ops.cast(ops.take(pixels, place, axis=0), "float32") for place in places)
        return a + (b - a) * right_share

    upper, lower = along(top), along(below)
    return upper + (lower - upper) * below_share


def _source_places(size: int, matrices: Any, sides: Any) -> tuple[Any, Any]:
    """Return column and row, (B, S, S) each, of the place behind each pixel of the result."""
    axis = (ops.arange(size, dtype="float32") + 0.5) / size - 0.5
    across, down = axis[None, None, :], axis[None, :, None]
    sides = sides[:, None, None]

    def place(row: int) -> Any:
        a, b, c = (matrices[:, row, k, None, None] for k in range(3))
        centred = a * across + b * down + c
        return ops.minimum(ops.maximum((centred + 0.5) * sides - 0.5, 0.0), sides - 1.0)

    return place(0), place(1)
