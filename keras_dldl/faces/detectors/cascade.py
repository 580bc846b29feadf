"""MTCNN's three steps (Zhang et al. 2016) in NumPy, over networks that need no TensorFlow.

Does what the `mtcnn` package does at its default settings, for images of one shape, each as if it
were alone. Candidates are rows of float64: image, x1, y1, x2, y2, score; at the end five x and
five y.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

SMALLEST_FACE = 20  # pixels
PYRAMID_FACTOR = 0.709
CELL, STRIDE = 12, 2  # what P-Net sees of its input at once, and how far apart
LEAST_SCORES = (0.6, 0.7, 0.8)  # of the three networks
OVERLAP_WITHIN_SIZE, OVERLAP = 0.5, 0.7
REFINEMENT_SIDE, OUTPUT_SIDE = 24, 48
# What the networks take pixels as; a point outside of an image is 0 after that.
PIXEL_MIDDLE, PIXEL_SCALE = 127.5, 128.0
COMPARED_AT_ONCE = 512

Network = Callable[[np.ndarray], np.ndarray]


def find_faces(images: np.ndarray, networks: Any) -> np.ndarray:
    """Return the faces of images of one shape.

    Args:
        images: (B, H, W, 3) uint8 RGB, both sides 24 pixels or more.
        networks: with the functions `proposal`, `refinement` and `output`, see `CascadeNetworks`.

    Returns:
        (N, 16) float64: image, x1, y1, x2, y2, score, five x, five y, in pixels; image by image.
    """
    rows = _proposals(images, networks.proposal)
    if len(rows):
        rows = _refined(images, rows, networks.refinement)
    if len(rows):
        return _output(images, rows, networks.output)
    return np.empty((0, 16))


def _proposals(images: np.ndarray, network: Network) -> np.ndarray:
    height, width = images.shape[1:3]
    pyramid = AreaPyramid(images)
    found = [np.empty((0, 6))]
    for scale in pyramid_scales(height, width):
        smaller = pyramid.resized(int(height * scale), int(width * scale))
        rows = _candidates(network(_as_input(smaller)), scale)
        found.append(_without_overlaps(rows, OVERLAP_WITHIN_SIZE))
    return _squares(_without_overlaps(np.concatenate(found), OVERLAP))


def pyramid_scales(height: int, width: int) -> np.ndarray:
    """Return by how much images of this size are reduced, one factor for each size of faces."""
    steps = np.log(min(height, width) / CELL) / -np.log(PYRAMID_FACTOR)
    return CELL / SMALLEST_FACE * PYRAMID_FACTOR ** np.arange(round(steps - 1))


def _as_input(pixels: np.ndarray) -> np.ndarray:
    return ((pixels - PIXEL_MIDDLE) / PIXEL_SCALE).astype(np.float32)


def _candidates(outputs: np.ndarray, scale: float) -> np.ndarray:
    """Return the cells of P-Net's (B, h, w, 6) outputs that may be faces, in the image's pixels."""
    scores = _face_scores(outputs)
    image, y, x = np.nonzero(scores > LEAST_SCORES[0])
    corners = np.stack([x, y, x, y], axis=1) * STRIDE + [1, 1, CELL, CELL]
    boxes = (corners + outputs[image, y, x, :4] * (CELL - 1)) / scale
    return np.column_stack([image, boxes, scores[image, y, x]])


def _refined(images: np.ndarray, rows: np.ndarray, network: Network) -> np.ndarray:
    outputs = network(_patches(images, rows, REFINEMENT_SIDE))[:, 0, 0]
    rows = _moved(rows, outputs)[_face_scores(outputs) > LEAST_SCORES[1]]
    return _squares(_without_overlaps(rows, OVERLAP))


def _output(images: np.ndarray, rows: np.ndarray, network: Network) -> np.ndarray:
    outputs = network(_patches(images, rows, OUTPUT_SIDE))[:, 0, 0]
    sides = rows[:, 3:5] - rows[:, 1:3] + 1
    x = sides[:, :1] * outputs[:, 4:9] + rows[:, 1:2] - 1
    y = sides[:, 1:] * outputs[:, 9:14] + rows[:, 2:3] - 1
    rows = np.concatenate([_moved(rows, outputs), x, y], axis=1)
    rows = rows[_face_scores(outputs) > LEAST_SCORES[2]]
    return _without_overlaps(rows, OVERLAP, of_smaller=True)


def _patches(images: np.ndarray, rows: np.ndarray, side: int) -> np.ndarray:
    height, width = images.shape[1:3]
    boxes = rows[:, :5] / [1, width, height, width, height]
    return _as_input(cut_boxes(images, boxes, side, outside=PIXEL_MIDDLE))


def _face_scores(outputs: np.ndarray) -> np.ndarray:
    """Return the softmax's share of "face": the last two channels are the logits of no and yes."""
    with np.errstate(over="ignore"):  # infinite: no face at all
        return 1 / (1 + np.exp(outputs[..., -2] - outputs[..., -1]))


def _moved(rows: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Return the rows with their boxes' corners moved, in shares of the sides, and new scores."""
    sides = rows[:, 3:5] - rows[:, 1:3] + 1
    boxes = rows[:, 1:5] + outputs[:, :4] * np.tile(sides, 2)
    return np.column_stack([rows[:, 0], boxes, _face_scores(outputs)])


def _squares(rows: np.ndarray) -> np.ndarray:
    """Return the rows with their boxes' shorter sides lengthened on both ends."""
    rows = rows.copy()
    sides = rows[:, 3:5] - rows[:, 1:3]
    longest = sides.max(axis=1, keepdims=True) if len(rows) else sides[:, :1]
    rows[:, 1:3] += (sides - longest) / 2
    rows[:, 3:5] = rows[:, 1:3] + longest
    return rows


def _without_overlaps(rows: np.ndarray, most: float, of_smaller: bool = False) -> np.ndarray:
    """Return the rows of each image by falling score, without those that a better one covers."""
    kept = [rows[:0]]
    for image in np.unique(rows[:, 0]):
        alone = rows[rows[:, 0] == image]
        # This order of equal scores is the package's, by which its results can be compared.
        alone = alone[np.argsort(alone[:, 5])[::-1]]
        kept.append(alone[~np.concatenate(list(covered(alone[:, 1:5], most, of_smaller)))])
    return np.concatenate(kept)


def covered(boxes: np.ndarray, most: float, of_smaller: bool) -> Iterator[np.ndarray]:
    """Yield whether each box overlaps one before it by more than `most`, some hundred at a time.

    Args:
        boxes: (N, 4): x1, y1, x2, y2.
        most: share of the two boxes' union.
        of_smaller: `most` is a share of the smaller one's area instead.
    """
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for first in range(0, len(boxes), COMPARED_AT_ONCE):
        these = np.s_[first : first + COMPARED_AT_ONCE]
        upper = np.maximum(boxes[:, None, :2], boxes[None, these, :2])
        lower = np.minimum(boxes[:, None, 2:], boxes[None, these, 2:])
        common = np.maximum(0, lower - upper).prod(axis=2)
        if of_smaller:
            whole = np.minimum(areas[:, None], areas[None, these])
        else:
            whole = areas[:, None] + areas[None, these] - common
        with np.errstate(invalid="ignore", divide="ignore"):  # boxes without area
            is_over = common / whole > most
        yield (is_over & (np.arange(len(boxes))[:, None] < np.arange(len(boxes))[None, these])).any(
            axis=0
        )


# The two ways of resizing, `tf.image.resize(..., "area")` and `tf.image.crop_and_resize`, in NumPy.


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
    """Return the sums over each of `parts` equal parts of an axis, from its running sums."""
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
