"""The estimate for one face: a value, and the distribution from which it is decoded."""

import io
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils.arguments import check_integer, check_number
from keras_dldl._utils.files import atomic_path
from keras_dldl.calibration import DEFAULT_LEVEL, Calibration, as_calibration
from keras_dldl.errors import ConfigError
from keras_dldl.faces.quality import FaceWarning
from keras_dldl.labels import LabelGrid, as_grid
from keras_dldl.runtime.network import check_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from keras_dldl.faces.aligner import FoundFace
    from keras_dldl.runtime import ModelCard, Network

MASS_TOLERANCE = 1e-2
PLOT_DPI = 150
SCREEN_DPI = 100


class Prediction(float):
    """The estimate for one face: a float, with the distribution attached.

    You can format, compare, round, add and average it like any number; the results of arithmetic
    are plain floats.

    Args:
        distribution: (K,) probabilities over the labels; scaled to sum to 1.
        grid: the label grid, or its config.
        decoder: how the value comes from the distribution, "expectation" or "median".
        box: (x, y, width, height) of the face, in pixels of the upright image; None for a crop.
        landmarks: (5, 2), x and y of eyes, nose tip and mouth corners; None for a crop.
        roll: turn of the face in degrees clockwise from upright, -180 ... 180; None for a crop.
        score: the detector's confidence, 0 ... 1; None for a crop.
        faces_found: number of faces found in the image; None for a crop. If only the largest was
            wanted, small ones may be missing.
        name: the image's path.
        number: of the face in its image, from 1, left to right; 1 if only the largest was wanted.
        calibration: computes the intervals, if the model has one; a `Calibration`, or its config.
        warnings: reasons to doubt this prediction. A spread that is wide compared with the
            calibration's faces adds one.

    Raises:
        ConfigError: the distribution is not (K,) probabilities, there is no such decoder, or the
            calibration is of another grid.

    >>> grid = LabelGrid(0, 4)
    >>> p = Prediction([0.0, 0.25, 0.5, 0.25, 0.0], grid)
    >>> p
    Prediction(2.0 years, 90 % interval 0.7 ... 3.3)
    >>> f"{p:.2f}", p > 1.5, p + 1
    ('2.00', True, 3.0)
    """

    distribution: np.ndarray
    grid: LabelGrid
    decoder: str
    box: tuple[float, float, float, float] | None
    landmarks: np.ndarray | None
    roll: float | None
    score: float | None
    faces_found: int | None
    name: str | None
    number: int
    calibration: Calibration | None
    warnings: tuple[FaceWarning, ...]

    def __new__(
        cls,
        distribution: Any,
        grid: LabelGrid,
        *,
        decoder: str = "expectation",
        box: tuple[float, float, float, float] | None = None,
        landmarks: Any = None,
        roll: float | None = None,
        score: float | None = None,
        faces_found: int | None = None,
        name: str | None = None,
        number: int = 1,
        calibration: Calibration | dict[str, Any] | None = None,
        warnings: Sequence[FaceWarning] = (),
    ) -> "Prediction":
        """Compute the value, which a float must have when it is created."""
        grid = as_grid(grid)
        exact = _checked_distribution(distribution, grid)
        self = super().__new__(cls, grid.decode(exact, decoder))
        self.distribution = exact.astype(np.float32)
        self.grid = grid
        self.decoder = decoder
        self.box = None if box is None else tuple(float(side) for side in box)
        self.landmarks = None if landmarks is None else np.asarray(landmarks, np.float32)
        self.roll = None if roll is None else float(roll)
        self.score = None if score is None else float(score)
        self.faces_found = faces_found
        self.name = name
        self.number = check_integer("number", number, minimum=1)
        self.calibration = as_calibration(calibration, grid)
        self.warnings = tuple(warnings)
        if self.calibration is not None and self.std > self.calibration.usual_std:
            text = "the predicted distribution is wider than for 99 % of faces"
            self.warnings += (FaceWarning("unsure", text),)
        return self

    @property
    def value(self) -> float:
        """The estimate, in `unit`, that the model's decoder computes from the distribution.

        The expectation (Gao et al. 2020, section 3.3), or the median for ranking methods.
        """
        return float(self)

    @property
    def labels(self) -> np.ndarray:
        """The labels of the distribution, (K,) float32."""
        return self.grid.labels

    @property
    def task(self) -> str:
        """What is estimated: "age", "attractiveness", or the grid's own name."""
        return self.grid.task

    @property
    def unit(self) -> str:
        """Unit of value, std and interval: "years" or "points"."""
        return self.grid.unit

    @property
    def std(self) -> float:
        """Standard deviation of the distribution, in `unit`; a calibration does not change it."""
        return float(self.grid.std(self.distribution))

    @property
    def calibrated(self) -> bool:
        """Whether `interval` was measured on labelled faces; else it is the distribution's own."""
        return self.calibration is not None

    def interval(self, level: float = DEFAULT_LEVEL) -> tuple[float, float]:
        """Return the interval that holds the truth for a share `level` of faces.

        With a calibration, this was measured on labelled faces, see docs/uncertainty.md. Without
        one, it is the central interval that holds `level` of the distribution. Each probability is
        spread evenly over half a step on either side of its label, within the grid.

        Args:
            level: the share inside, between 0 and 1, both excluded.

        Returns:
            (low, high), in `unit`.

        Raises:
            ConfigError: `level` is out of range.

        >>> Prediction([0, 0, 1, 0, 0], LabelGrid(0, 4)).interval(0.5)
        (1.75, 2.25)
        """
        level = check_level(level)
        if self.calibration is not None:
            return self.calibration.interval(self.value, self.std, level)
        half = self.grid.step / 2
        edges = np.append(self.grid.labels64 - half, self.grid.stop + half)
        below = np.append(0.0, np.cumsum(self.distribution, dtype=np.float64))
        tail = (1 - level) / 2
        ends = np.interp([tail * below[-1], (1 - tail) * below[-1]], below, edges)
        low, high = np.clip(ends, self.grid.start, self.grid.stop)
        return float(low), float(high)

    def to_dict(
        self, level: float = DEFAULT_LEVEL, *, distribution: bool = False
    ) -> dict[str, Any]:
        """Return the face as plain JSON values; `predict --json` and the server write these.

        Args:
            level: of the interval.
            distribution: add the distribution, over the labels of `grid`.
        """
        face = {
            "number": self.number,
            "value": self.value,
            "std": self.std,
            "interval": list(self.interval(level)),
            "level": float(level),
            "box": None if self.box is None else list(self.box),
            "landmarks": None if self.landmarks is None else self.landmarks.round(2).tolist(),
            "roll": None if self.roll is None else round(self.roll, 1),
            "score": self.score,
            "faces_found": self.faces_found,
            "calibrated": self.calibrated,
            "warnings": [warning._asdict() for warning in self.warnings],
        }
        return face | ({"distribution": self.distribution.tolist()} if distribution else {})

    def describe(self, level: float = DEFAULT_LEVEL) -> str:
        """Return value and interval as text, with as many decimals as the grid's step deserves.

        >>> Prediction([0, 0, 1, 0, 0], LabelGrid(0, 4)).describe(0.5)
        '2.0 years, 50 % interval 1.8 ... 2.2'
        """
        low, high = (self.format_number(end) for end in self.interval(level))
        value = self.format_number(self.value)
        return f"{value} {self.unit}, {100 * level:g} % interval {low} ... {high}"

    def in_short(self, level: float = DEFAULT_LEVEL) -> str:
        """Return value and interval for places with little room, as labels on a photo.

        >>> Prediction([0, 0, 1, 0, 0], LabelGrid(0, 4)).in_short(0.5)
        '2.0 (1.8-2.2)'
        """
        low, high = (self.format_number(end) for end in self.interval(level))
        return f"{self.format_number(self.value)} ({low}-{high})"

    def format_number(self, number: float) -> str:
        """Return `number` with one decimal on a grid of whole steps, with two on a finer one."""
        return f"{number:.{1 if self.grid.step >= 1 else 2}f}"

    def plot(
        self, path: str | os.PathLike | None = None, *, level: float = DEFAULT_LEVEL
    ) -> "Figure":
        """Plot the distribution, the value and the interval. Notebooks show predictions this way.

        Args:
            path: the file to write: a picture, PDF or SVG. None writes nothing.
            level: of the interval.

        Returns:
            A Matplotlib figure. For several faces see `predict.drawing.plot_distribution`.

        Raises:
            ConfigError: `level` is out of range, or `path` has a suffix that Matplotlib does not
                write.
        """
        from keras_dldl.predict.drawing import check_suffix, plot_distribution, plot_suffixes

        if path is not None:
            check_suffix("A plot", path, plot_suffixes())
        figure = plot_distribution(self, level=level)
        if path is not None:
            with atomic_path(path) as temporary:
                figure.savefig(temporary, dpi=PLOT_DPI)
        return figure

    def save(
        self, path: str | os.PathLike, image: Any = None, *, level: float = DEFAULT_LEVEL
    ) -> None:
        """Write the photo with the face's box, value and interval drawn on it.

        Args:
            path: a picture file: .png, .jpg, .webp.
            image: the photo, if it was not predicted from a file; anything that
                `predict_age` takes. For several faces in one picture see
                `predict.drawing.annotate`.
            level: of the interval.

        Raises:
            ConfigError: `image` is missing and the photo did not come from a file; `path` has a
                suffix that Pillow does not write; or `level` is out of range.
            UnreadableImage: the photo cannot be read.
        """
        from keras_dldl.predict.drawing import annotate, check_suffix, picture_suffixes

        check_suffix("A picture", path, picture_suffixes())
        if image is None and not (self.name and os.path.isfile(self.name)):
            raise ConfigError(
                "A prediction draws on the photo, which must be a file or given: "
                f"save(path, image=photo). Received: image=None for {self.name or 'no name'}"
            )
        picture = annotate(self.name if image is None else image, self, level=level)
        with atomic_path(path) as temporary:
            picture.save(temporary)

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.plot().savefig(stream, dpi=SCREEN_DPI)
        return stream.getvalue()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.describe()})"

    def __str__(self) -> str:
        return float.__repr__(self)

    def __reduce__(self) -> tuple:
        # A float is pickled and copied by its value alone, which would lose the distribution.
        return _restored, (type(self), self.value, dict(self.__dict__))


def predictions_of(
    card: "ModelCard",
    faces: Sequence["FoundFace"],
    distributions: Sequence[np.ndarray],
    name: str | None = None,
) -> list[Prediction]:
    """Return the predictions for the faces that were found in a photo.

    Args:
        card: of the model.
        faces: as `FaceAligner.find` returns them.
        distributions: (K,) for each, what `Network.distributions` gave.
        name: what the photo is called: the path of a file.

    Raises:
        ModelFileError: the model gives no numbers.
    """
    predictions = []
    for number, (found, distribution) in enumerate(zip(faces, distributions, strict=True), 1):
        place = {}
        if found.face is not None:
            keys = ("box", "landmarks", "roll", "score")
            place = {key: getattr(found.face, key) for key in keys}
        prediction = Prediction(
            check_numbers(distribution, card.name),
            card.grid,
            decoder=card.decoder,
            **place,
            faces_found=found.faces_found,
            name=name,
            number=number,
            calibration=card.calibration,
            warnings=found.warnings,
        )
        predictions.append(prediction)
    return predictions


def photo_to_dict(
    network: "Network",
    predictions: Sequence[Prediction],
    level: float = DEFAULT_LEVEL,
    *,
    distribution: bool = False,
) -> dict[str, Any]:
    """Return a photo's faces as plain JSON values; `predict --json` and the server write these.

    Args:
        network: the model that judged them.
        predictions: those of one photo, left to right.
        level: of the intervals.
        distribution: add each face's distribution, and the `labels` that they are over.
    """
    grid = network.card.grid
    photo = {"model": network.name, "task": grid.task, "unit": grid.unit, "level": float(level)}
    if distribution:
        photo["labels"] = grid.labels64.tolist()
    return {**photo, "faces": [p.to_dict(level, distribution=distribution) for p in predictions]}


def _restored(kind: type, value: float, attributes: dict[str, Any]) -> Prediction:
    prediction = float.__new__(kind, value)
    prediction.__dict__.update(attributes)
    return prediction


def check_level(level: Any) -> float:
    """Return `level`, the share of a distribution inside an interval.

    Raises:
        ConfigError: it is not a number between 0 and 1, both excluded.
    """
    number = check_number("level", level, minimum=0, exclusive=True)
    if number >= 1:
        raise ConfigError(
            "`level` is not valid. It must be a share between 0 and 1, both excluded, such as 0.9. "
            f"Received: level={level!r}"
        )
    return number


def _checked_distribution(distribution: Any, grid: LabelGrid) -> np.ndarray:
    """Return `distribution` as float64 that sums to 1."""
    exact = np.asarray(distribution, np.float64)
    total = exact.sum()
    if (
        exact.shape != (grid.size,)
        or not np.isfinite(total)
        or exact.min() < 0
        or abs(total - 1) > MASS_TOLERANCE
    ):
        raise ConfigError(
            f"`distribution` is not valid. It must be ({grid.size},) probabilities that sum to 1. "
            f"Received: shape {exact.shape}, sum {total:g}"
        )
    return exact / total
