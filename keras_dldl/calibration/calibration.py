"""From a value and its spread to an interval that holds the share it claims."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_dldl._utils.arguments import check_number
from keras_dldl.calibration.quantiles import (
    LEVELS,
    at_level,
    knots_of,
    quantile_tables,
    width_tables,
)
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.labels import LabelGrid, as_grid

# What intervals hold where nothing else is asked for.
DEFAULT_LEVEL = 0.9
# Fewer say nothing of 95 % intervals once some are set aside to measure them.
MIN_FACES = 30
# Fewer are too few for quantiles that differ from label to label.
MIN_FACES_BY_LABEL = 200
# A spread over this share of the faces measured is called wide.
USUAL = 0.99

Table = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Calibration:
    """What faces of known age taught about the errors of a model: intervals that hold.

    Label-conditional conformal prediction (Vovk 2013, "Conditional validity of inductive conformal
    predictors") on residuals scaled by the predicted spread (Lei et al. 2018, "Distribution-free
    predictive inference for regression"), the tails apart: the set of all labels y
    whose residual (y - value) / (std + offset) lies between the quantiles of faces with labels near
    y; then the interval from its least to its greatest label. See docs/uncertainty.md.

    Args:
        grid: the label grid of the model, or its config.
        lower: (M, 9) lower quantiles, at M labels spread evenly over the grid (rows) and the levels
            of `quantiles.LEVELS`.
        upper: (M, 9) upper quantiles.
        offset: added to every std, in the grid's unit; above 0.
        usual_std: 99 % of the faces it was fitted to have no greater std.
        faces: how many faces it was fitted to.

    Raises:
        ConfigError: a table does not fit the grid, or a number is out of range.
    """

    grid: LabelGrid
    lower: Table
    upper: Table
    offset: float
    usual_std: float
    faces: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "grid", as_grid(self.grid))
        shape = (len(knots_of(self.grid)), len(LEVELS))
        for name in ("lower", "upper"):
            object.__setattr__(self, name, _checked_table(name, getattr(self, name), shape))
        check_number("offset", self.offset, minimum=0, exclusive=True)
        check_number("usual_std", self.usual_std, minimum=0)
        check_number("faces", self.faces, minimum=1)

    @classmethod
    def fit(
        cls, value: ArrayLike, std: ArrayLike, label: ArrayLike, grid: LabelGrid
    ) -> "Calibration":
        """Return the calibration that fits labelled faces, which training must not have seen.

        From 200 faces on, intervals hold their share at every label. Of fewer, one width, in units
        of `std + offset`, holds its share of all faces, whatever their label.

        Args:
            value: (N,) predicted values, `Prediction.value`.
            std: (N,) their spreads, `Prediction.std`.
            label: (N,) true labels on the grid.
            grid: the label grid of the model, or its config.

        Raises:
            DataError: under 30 faces, arrays of different length, a number that is not finite or a
                label off the grid, or labels that are all the same.
        """
        grid = as_grid(grid)
        value, std, label = checked_faces(value, std, label, grid)
        check_enough(len(label))
        return cls.fit_any(value, std, label, grid, by_label=len(label) >= MIN_FACES_BY_LABEL)

    @classmethod
    def fit_any(
        cls,
        value: np.ndarray,
        std: np.ndarray,
        label: np.ndarray,
        grid: LabelGrid,
        *,
        by_label: bool,
    ) -> "Calibration":
        """Fit faces that are checked already, by label or with one width; see `fit`."""
        # A spread alone may come near 0 (of regression it does), and the quotient near infinity.
        offset = max(float(np.median(np.abs(label - value))) / 2, grid.step / 10)
        z = (label - value) / (std + offset)
        lower, upper = quantile_tables(z, label, grid) if by_label else width_tables(z, grid)
        usual = float(np.quantile(std, USUAL))
        return cls(grid, lower.tolist(), upper.tolist(), offset, usual, len(label))

    def interval(self, value: float, std: float, level: float) -> tuple[float, float]:
        """Return the interval (low, high) of one face, in the grid's unit.

        Intervals of a face are nested: a higher level holds those of all lower ones. Each holds
        `value`, and ends at the ends of the grid.

        Args:
            value: the predicted value.
            std: its spread, not below 0.
            level: the share of faces that it is to hold, between 0 and 1, both excluded.

        >>> from keras_dldl.labels import LabelGrid
        >>> label = np.arange(1000) % 101.0
        >>> value = label + np.random.default_rng(0).normal(size=1000)
        >>> calibration = Calibration.fit(value, np.ones(1000), label, LabelGrid.age())
        >>> low, high = calibration.interval(50.0, 1.0, 0.95)
        >>> round(low), round(high)  # 1.96 to either side
        (48, 52)
        """
        low, high = self.intervals([value], [std], level)[0]
        return float(low), float(high)

    def intervals(self, value: ArrayLike, std: ArrayLike, level: float) -> np.ndarray:
        """Return the intervals of many faces, (N, 2); see `interval`.

        Args:
            value: (N,) predicted values.
            std: (N,) their spreads.
            level: as in `interval`.
        """
        value = np.asarray(value, np.float64)
        scale = np.asarray(std, np.float64)[:, None] + self.offset
        knots = knots_of(self.grid)
        z = (knots - value[:, None]) / scale
        first_a, last_a = _where_not_negative(z - at_level(np.array(self.lower), level))
        first_b, last_b = _where_not_negative(at_level(np.array(self.upper), level) - z)
        first, last = np.maximum(first_a, first_b), np.minimum(last_a, last_b)
        left, width = knots[:-1], knots[1] - knots[0]
        empty = first > last
        low = np.where(empty, np.inf, left + first * width).min(axis=1)
        high = np.where(empty, -np.inf, left + last * width).max(axis=1)
        ends = np.stack([np.minimum(low, value), np.maximum(high, value)], axis=1)
        return np.clip(ends, self.grid.start, self.grid.stop)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments as plain JSON values, as model files hold them: about 8 kB."""
        return {
            "grid": self.grid.get_config(),
            "lower": [list(row) for row in self.lower],
            "upper": [list(row) for row in self.upper],
            "offset": self.offset,
            "usual_std": self.usual_std,
            "faces": self.faces,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Calibration":
        """Return the calibration that `get_config` described.

        Raises:
            ConfigError: it is not such a description.
        """
        try:
            return cls(**config)
        except TypeError as error:
            raise ConfigError(
                f"A calibration's config must be what its `get_config()` returns. Received: {error}"
            ) from error

    def __repr__(self) -> str:  # without two tables of numbers
        return f"Calibration({self.grid}, {self.faces} faces)"


def as_calibration(
    calibration: Calibration | Mapping[str, Any] | None, grid: LabelGrid
) -> Calibration | None:
    """Return the calibration meant by one, by its config, or by None, for models of `grid`.

    Raises:
        ConfigError: it is none of these, or of another grid.

    >>> as_calibration(None, LabelGrid.age()) is None  # a model without one
    True
    """
    if isinstance(calibration, Mapping):
        calibration = Calibration.from_config(calibration)
    if calibration is None:
        return None
    if not isinstance(calibration, Calibration):
        raise ConfigError(
            "`calibration` must be a Calibration, its config or None. "
            f"Received: calibration={calibration!r}"
        )
    if calibration.grid != grid:
        raise ConfigError(
            f"`calibration` must be of the model's grid, {grid}. Received: {calibration.grid}"
        )
    return calibration


def check_enough(faces: int) -> None:
    """Check that there are enough faces for a calibration.

    Raises:
        DataError: under 30; it says where to take more from.
    """
    if faces < MIN_FACES:
        raise DataError(
            f"A calibration needs {MIN_FACES} labelled faces or more, and {MIN_FACES_BY_LABEL} to "
            "hold its share at every label. Give more data sets, or split again with a greater "
            "share for validation: `keras-dldl split DATA --val 0.2 --out DIR`, then train on DIR, "
            f"as these faces must not be trained on. Received: {faces} faces"
        )


def checked_labels(label: ArrayLike, grid: LabelGrid) -> np.ndarray:
    """Return (N,) labels as float64.

    Raises:
        DataError: one is not finite or off the grid, or all are the same.
    """
    label = np.asarray(label, np.float64)
    _check_finite("label", label)
    outside = label[~grid.contains(label)]
    if outside.size:
        raise DataError(
            f"Labels must lie on the grid, {grid.start:g} ... {grid.stop:g} {grid.unit}. "
            f"Received: {outside.size} that do not, such as {outside[0]:g}"
        )
    if label.size and label.min() == label.max():
        raise DataError(
            "Labels must differ, as what one label teaches does not hold for others. "
            f"Received: {label.size} faces of label {label[0]:g}"
        )
    return label


def checked_faces(
    value: ArrayLike, std: ArrayLike, label: ArrayLike, grid: LabelGrid
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values, spreads and labels as float64; see `Calibration.fit` for what is refused."""
    value, std, label = (np.asarray(array, np.float64) for array in (value, std, label))
    if label.ndim != 1 or not value.shape == std.shape == label.shape:
        shapes = ", ".join(str(array.shape) for array in (value, std, label))
        raise DataError(
            f"`value`, `std` and `label` must be (N,), of one length. Received: shapes {shapes}"
        )
    _check_finite("value", value)
    _check_finite("std", std)
    return value, std, checked_labels(label, grid)


def _check_finite(name: str, array: np.ndarray) -> None:
    if not np.isfinite(array).all():
        raise DataError(
            f"`{name}` must hold finite numbers. "
            f"Received: {np.count_nonzero(~np.isfinite(array))} that are not"
        )


def _checked_table(name: str, table: Any, shape: tuple[int, int]) -> Table:
    try:
        numbers = np.asarray(table, np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != shape or not np.isfinite(numbers).all():
        raise ConfigError(
            f"`{name}` is not valid. It must be {shape} finite numbers. "
            f"Received: shape {numbers.shape}"
        )
    return tuple(map(tuple, numbers.tolist()))


def _where_not_negative(g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return from where to where polygons with (N, M) heights are 0 or above, piece by piece.

    First and last place, both (N, M - 1), as shares of the piece; (2, -1) where it is below 0.
    """
    left, right = g[:, :-1], g[:, 1:]
    crosses = (left >= 0) != (right >= 0)
    place = np.divide(left, left - right, out=np.zeros_like(left), where=crosses)
    first = np.where(left >= 0, 0.0, np.where(crosses, place, 2.0))
    last = np.where(right >= 0, 1.0, np.where(crosses, place, -1.0))
    return first, last
