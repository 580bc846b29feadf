"""The two ways in which the detector resizes: means over areas, and boxes cut out bilinearly.

Both are those of `tf.image.resize(..., "area")` and `tf.image.crop_and_resize`, in NumPy.
"""

import numpy as np


class AreaPyramid:
    """Images of one shape, to be reduced to many sizes, each pixel the mean over its area.

    The sums over all rectangles from the upper left corner are taken once; every size after that
    costs two interpolations of these sums. Sums of whole numbers are exact in float64.

    Args:
        images: (B, H, W, C) uint8.
    """

    def __init__(self, images: np.ndarray):
        batch, height, width, channels = images.shape
        self._sums = np.zeros((batch, height + 1, width + 1, channels))
        np.cumsum(images, axis=1, dtype=np.float64, out=self._sums[:, 1:, 1:])
        np.cumsum(self._sums[:, 1:, 1:], axis=2, out=self._sums[:, 1:, 1:])

    def resized(self, height: int, width: int) -> np.ndarray:
        """Return (B, height, width, C) float64, 0 ... 255."""
        _, rows, columns, _ = self._sums.shape
        sums = _between(self._sums, rows - 1, height, axis=1)
        sums = _between(sums, columns - 1, width, axis=2)
        return sums * (height * width / ((rows - 1) * (columns - 1)))


def _between(sums: np.ndarray, side: int, parts: int, axis: int) -> np.ndarray:
    """Return the sums over each of so many equal parts of an axis, from its running sums."""
    places = np.arange(parts + 1) * (side / parts)
    lower = np.minimum(places.astype(int), side - 1)
    share = (places - lower).reshape([-1 if k == axis else 1 for k in range(sums.ndim)])
    below = np.take(sums, lower, axis=axis)
    running = below + share * (np.take(sums, lower + 1, axis=axis) - below)
    return np.diff(running, axis=axis)


def cut_boxes(images: np.ndarray, boxes: np.ndarray, side: int, outside: float = 0.0) -> np.ndarray:
    """Return boxes of images, each resized to a square by linear interpolation.

    Args:
        images: (B, H, W, C) uint8.
        boxes: (N, 5): image, x1, y1, x2, y2, in shares of W and H.
        side: of the squares, 2 or more.
        outside: the value of points that lie outside of their image.

    Returns:
        (N, side, side, C) float32.
    """
    _, height, width, _ = images.shape
    image = boxes[:, 0].astype(int)[:, None, None]
    top, bottom, below, is_row = _points(boxes[:, 2], boxes[:, 4], height, side)
    left, right, beside, is_column = _points(boxes[:, 1], boxes[:, 3], width, side)
    top, bottom, left, right = top[:, :, None], bottom[:, :, None], left[:, None], right[:, None]
    beside, below = beside[:, None, :, None], below[:, :, None, None]
    upper = _blend(images[image, top, left], images[image, top, right], beside)
    lower = _blend(images[image, bottom, left], images[image, bottom, right], beside)
    inside = is_row[:, :, None, None] & is_column[:, None, :, None]
    return np.where(inside, _blend(upper, lower, below), np.float32(outside))


def _points(start, end, size: int, count: int) -> tuple[np.ndarray, ...]:
    """Return the pixels before and after each point of an axis, the share between, whether inside.

    All of them are (N, count).
    """
    step = (end - start) * (size - 1) / (count - 1)
    places = (start * (size - 1))[:, None] + np.arange(count) * step[:, None]
    inside = (places >= 0) & (places <= size - 1)
    places = np.clip(places, 0, size - 1)
    before = np.floor(places).astype(int)
    after = np.ceil(places).astype(int)
    return before, after, (places - before).astype(np.float32), inside


def _blend(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    first, second = first.astype(np.float32, copy=False), second.astype(np.float32, copy=False)
    return first + (second - first) * share
