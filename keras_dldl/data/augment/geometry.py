"""Moving pixels: all moves as one matrix, and one resampling by it.

Coordinates are (x, y) from the centre of the image in units of its side, so that they mean the same
at every resolution; -0.5 ... 0.5 spans the image, and a pixel is at its centre. `ops` is
`keras.ops` or `tensorflow_ops`.
"""

from typing import Any


def moves(ops: Any, draws: dict[str, Any]) -> list[Any]:
    """Return each move as (B, 3, 3) matrices, in the order in which the moves are made.

    They lead back, from a place in the moved image to the place whose pixel it shows.
    """
    cos, sin, one = ops.cos(draws["angle"]), ops.sin(draws["angle"]), ops.ones_like(draws["angle"])
    crop, zoom = draws["crop"], draws["zoom"]

    def matrix(a: Any, b: Any = 0.0, c: Any = 0.0, d: Any = 0.0, e: Any = 1.0, f: Any = 0.0) -> Any:
        rows = [ops.zeros_like(one) + value for value in (a, b, c, d, e, f, 0.0, 0.0, 1.0)]
        return ops.reshape(ops.stack(rows, axis=1), (-1, 3, 3))

    return [
        matrix(a=1.0 - 2.0 * draws["mirrored"]),
        matrix(a=cos, b=sin, d=-sin, e=cos),
        matrix(a=one, b=ops.tan(draws["shear"])),
        matrix(a=1.0 / zoom, e=1.0 / zoom),
        matrix(a=one, c=-draws["dx"], f=-draws["dy"]),
        matrix(
            a=crop,
            e=crop,
            c=(draws["crop_x"] - 0.5) * (1.0 - crop),
            f=(draws["crop_y"] - 0.5) * (1.0 - crop),
        ),
    ]


def fused(ops: Any, draws: dict[str, Any]) -> Any:
    """Return all moves as one (B, 3, 3) matrix."""
    product, *others = moves(ops, draws)
    for matrix in others:
        # Not `matmul`: accelerators shorten its operands to 10 bits by default, a quarter of a
        # pixel in an image of 224.
        product = ops.sum(product[:, :, :, None] * matrix[:, None, :, :], axis=2)
    return product


def reduced_sides(ops: Any, draws: dict[str, Any], size: int) -> Any:
    """Return the sides in whole pixels, (B,) float32, to which the images are reduced."""
    return ops.maximum(ops.round(draws["resolution"] * size), 1.0)


def reduce_rows(ops: Any, images: Any, sides: Any) -> Any:
    """Reduce the rows of each image to as many as its side says, and turn it round.

    Twice, this reduces each image into the upper left corner of one of the full size, by cubic
    interpolation without smoothing first, as the reference code does it. Rows are together in
    memory, columns do not: turning the image round twice is quicker than reducing the columns
    where they are.

    Args:
        ops: see above.
        images: (B, S, S, 3), 0 ... 255, of any dtype.
        sides: (B,) float32, whole numbers from 1 to S.

    Returns:
        (B, S, S, 3) uint8, rows as columns; beyond `sides` it is undefined.
    """
    count, size = ops.shape(images)[:2]
    rows = ops.reshape(images, (-1, size * 3))
    first_row = ops.arange(count, dtype="int32")[:, None] * size
    total = 0.0
    for index, weight in _cubic_taps(ops, size, sides):
        taken = ops.take(rows, first_row + index, axis=0)
        total = total + ops.cast(taken, "float32") * weight[:, :, None]
    total = ops.cast(ops.clip(total + 0.5, 0.0, 255.0), "uint8")
    return ops.transpose(ops.reshape(total, (-1, size, size, 3)), (0, 2, 1, 3))


def _cubic_taps(ops: Any, size: int, sides: Any) -> list[tuple[Any, Any]]:
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


def warp(ops: Any, images: Any, matrices: Any, sides: Any, outside: dict | None = None) -> Any:
    """Show in each pixel the place to which the matrix leads, by bilinear interpolation.

    Args:
        ops: see above.
        images: (B, S, S, 3), 0 ... 255, of any dtype; each is its upper left corner of `sides`.
        matrices: (B, 3, 3), from places in the result to places in the image.
        sides: (B,) float32, whole numbers from 1 to S.
        outside: the draws `cut_...` and `outside_...`, which say where the photo ends and what is
            shown beyond; None: it ends with the image, and its border's colours are repeated.

    Returns:
        (B, S, S, 3) float32.
    """
    size = images.shape[1]
    axis = (ops.arange(size, dtype="float32") + 0.5) / size - 0.5
    across, down = axis[None, None, :], axis[None, :, None]
    beyond = False

    def of_image(values: Any) -> Any:
        return values[:, None, None]

    def place(row: int, near: str, far: str) -> Any:
        nonlocal beyond
        a, b, c = (of_image(matrices[:, row, k]) for k in range(3))
        place = (a * across + b * down + c + 0.5) * of_image(sides) - 0.5
        if outside is None:
            return ops.minimum(ops.maximum(place, 0.0), of_image(sides) - 1.0)
        low = of_image(ops.round(outside[near] * sides))
        high = of_image(ops.maximum(sides - 1.0 - ops.round(outside[far] * sides), 0.0))
        out = ops.logical_or(place < low - 0.5, place > high + 0.5)
        beyond = out if beyond is False else ops.logical_or(beyond, out)
        # Back and forth between the first and the last pixel, without end.
        length = ops.maximum(high - low, 1.0)
        turns = (place - low) / (2.0 * length)
        mirrored = high - abs(2.0 * length * (turns - ops.floor(turns)) - length)
        place = ops.where(of_image(outside["outside_mirrored"]) > 0.0, mirrored, place)
        return ops.minimum(ops.maximum(place, low), high)

    x, y = place(0, "cut_left", "cut_right"), place(1, "cut_top", "cut_bottom")
    warped = _bilinear(ops, images, x, y, sides)
    if outside is None:
        return warped
    names = ("outside_red", "outside_green", "outside_blue")
    colour = ops.stack([outside[name] for name in names], axis=1)[:, None, None, :]
    filled = ops.logical_and(beyond, of_image(outside["outside_filled"]) > 0.0)
    return ops.where(filled[..., None], colour, warped)


def _bilinear(ops: Any, images: Any, x: Any, y: Any, sides: Any) -> Any:
    """Return what is at columns and rows, (B, S, S) each, of the upper left corners."""
    count, size = ops.shape(images)[:2]
    left, top = ops.floor(x), ops.floor(y)
    right_share, below_share = (x - left)[..., None], (y - top)[..., None]
    left, top = ops.cast(left, "int32"), ops.cast(top, "int32")
    last = ops.cast(sides, "int32")[:, None, None] - 1
    right, below = ops.minimum(left + 1, last), ops.minimum(top + 1, last)
    pixels = ops.reshape(images, (-1, 3))
    first = (ops.arange(count, dtype="int32") * (size * size))[:, None, None]

    def along(row: Any) -> Any:
        places = (first + row * size + column for column in (left, right))
        a, b = (ops.cast(ops.take(pixels, place, axis=0), "float32") for place in places)
        return a + (b - a) * right_share

    upper, lower = along(top), along(below)
    return upper + (lower - upper) * below_share
