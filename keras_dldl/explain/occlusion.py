"""Occlusion sensitivity: how wrong a model gets where a part of the faces is covered.

The more the mean absolute error rises, the more the model leans on what is covered there (Gao et
al. 2020, section 9; the idea is Zeiler and Fergus 2014, section 4.2).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils.arguments import check_choice, check_integer
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.layers.normalization import FACE_MEAN

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel

SHAPES = ("square", "horizontal", "vertical")
PAPER_SIDE = 32 / 224  # of the cover, as a share of the face


@dataclass(frozen=True)
class Occlusion:
    """What covering did.

    Attributes:
        shape: "square", "horizontal" (strips of the face's width) or "vertical" (of its height).
        size: height and width of the cover, in pixels.
        tops: top rows of the covers, (R,).
        lefts: left columns of the covers, (C,).
        mae: mean absolute error with the cover at each place, (R, C), in the grid's unit.
        baseline: that of the faces as they are.
        faces: how many.
    """

    shape: str
    size: tuple[int, int]
    tops: np.ndarray
    lefts: np.ndarray
    mae: np.ndarray
    baseline: float
    faces: int

    @property
    def rise(self) -> np.ndarray:
        """How much the error rises at each place, (R, C), in the grid's unit."""
        return self.mae - self.baseline

    def pixels(self, side: int) -> np.ndarray:
        """Return the rise at each pixel of a face, (side, side) float64, to lay over a picture.

        Where covers overlap it is their mean; where none came, NaN.

        Args:
            side: the model's input size.
        """
        total, count = np.zeros((side, side)), np.zeros((side, side))
        for row, top in enumerate(self.tops):
            for column, left in enumerate(self.lefts):
                place = np.s_[top : top + self.size[0], left : left + self.size[1]]
                total[place] += self.rise[row, column]
                count[place] += 1
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def occlusion_sensitivity(
    model: "FaceModel",
    images: Any,
    labels: Any,
    shape: str = "square",
    *,
    size: int | None = None,
    stride: int | None = None,
    colour: tuple[float, float, float] | None = None,
    batch_size: int = 64,
) -> Occlusion:
    """Cover every place of faces in turn, and measure the error.

    The defaults are the paper's: a cover of 32 pixels for a face of 224, slid by its own width,
    of the mean colour. The last one is moved back to end with the face. Every place is one forward
    pass over all faces; shows its progress.

    Args:
        model: a `FaceModel` of any method.
        images: (N, S, S, 3), 0 ... 255, S the model's input size: aligned faces.
        labels: their labels, (N,), in the grid's unit.
        shape: one of `SHAPES`.
        size: thickness of a strip, side of a square, in pixels.
        stride: pixels from one place to the next.
        colour: of the cover, 0 ... 255; default the mean colour of faces, which the model's
            normalisation makes 0.
        batch_size: faces in one forward pass.

    Raises:
        ConfigError: a number out of range, or an unknown shape.
        DataError: no images, of another size than the model's, or not as many labels.

    >>> from keras_dldl import LabelGrid, build_model
    >>> model = build_model("nano-age-net", LabelGrid.age(), input_size=32)  # not trained
    >>> found = occlusion_sensitivity(model, np.zeros((2, 32, 32, 3)), [20, 30], size=16)
    >>> found.mae.shape  # 2 x 2 places
    (2, 2)
    """
    side = model.input_size
    check_choice("shape", shape, SHAPES)
    check_integer("batch_size", batch_size, 1)
    size = _length("size", size, max(round(side * PAPER_SIDE), 1), side)
    stride = _length("stride", stride, size, side)
    images, labels = _checked(images, labels, side)
    fill = np.array([255 * c for c in FACE_MEAN] if colour is None else colour, np.float32)
    cover = (side if shape == "vertical" else size, side if shape == "horizontal" else size)
    tops, lefts = (
        np.unique(np.minimum(np.arange(0, side, stride), side - length)) for length in cover
    )
    baseline, mae = _measured(model, images, labels, (tops, lefts), cover, fill, batch_size)
    return Occlusion(shape, cover, tops, lefts, mae, baseline, len(labels))


def _measured(
    model: "FaceModel",
    images: np.ndarray,
    labels: np.ndarray,
    starts: tuple[np.ndarray, np.ndarray],
    cover: tuple[int, int],
    fill: np.ndarray,
    batch_size: int,
) -> tuple[float, np.ndarray]:
    from keras_dldl._utils.progress import progress

    places = [(top, left) for top in starts[0] for left in starts[1]]
    errors = np.zeros(1 + len(places))
    passes = (1 + len(places)) * -(-len(images) // batch_size)
    with progress(total=passes, label="covering") as shown:
        for first in range(0, len(images), batch_size):
            batch = np.asarray(images[first : first + batch_size], np.float32)
            truth = labels[first : first + batch_size]
            errors[0] += _error(model, batch, truth)
            shown.update(1)
            for number, (top, left) in enumerate(places, 1):
                covered = batch.copy()
                covered[:, top : top + cover[0], left : left + cover[1]] = fill
                errors[number] += _error(model, covered, truth)
                shown.update(1)
    mae = errors / len(images)
    return float(mae[0]), mae[1:].reshape(len(starts[0]), len(starts[1]))


def _error(model: "FaceModel", images: np.ndarray, labels: np.ndarray) -> float:
    """Return the sum of the absolute errors."""
    from keras import ops

    p = ops.convert_to_numpy(model(images, training=False))
    return float(np.abs(model.grid.decode(p, model.method.decoder) - labels).sum())


def _length(name: str, value: int | None, default: int, most: int) -> int:
    value = check_integer(name, default if value is None else value, 1)
    if value > most:
        raise ConfigError(f"`{name}` must be {most} pixels or less. Received: {name}={value}")
    return value


def _checked(images: Any, labels: Any, side: int) -> tuple[np.ndarray, np.ndarray]:
    images, labels = np.asarray(images), np.asarray(labels, np.float64)
    if images.ndim != 4 or images.shape[1:] != (side, side, 3) or not len(images):
        raise DataError(
            f"`images` must be aligned faces for this model, (N, {side}, {side}, 3). "
            f"Received: shape {images.shape}"
        )
    if labels.shape != (len(images),) or not np.isfinite(labels).all():
        raise DataError(
            f"`labels` must be {len(images)} numbers, one a face. Received: shape {labels.shape}, "
            f"{np.count_nonzero(~np.isfinite(labels))} not finite"
        )
    return images, labels
