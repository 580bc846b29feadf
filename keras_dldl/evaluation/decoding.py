"""From distributions to values, spreads and intervals, of many faces at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_dldl.calibration import Calibration
from keras_dldl.labels import LabelGrid
from keras_dldl.predict.prediction import check_level

LEVELS = tuple(k / 100 for k in range(5, 100, 5))
COVERAGE_LEVEL = 0.9


@dataclass(frozen=True)
class Decoded:
    """A model's answers, each (N,), or (N, L) for the levels of `LEVELS`."""

    value: np.ndarray
    std: np.ndarray
    lows: np.ndarray
    highs: np.ndarray

    @classmethod
    def of(
        cls,
        distribution: np.ndarray,
        grid: LabelGrid,
        decoder: str,
        calibrated: Calibration | None = None,
    ) -> "Decoded":
        """Decode (N, K) distributions, with intervals by the model's calibration if it has one."""
        value, std = decode(distribution, grid, decoder)
        if calibrated is None:
            ends = interval_ends(distribution, grid, LEVELS)
        else:
            both = [calibrated.intervals(value, std, level) for level in LEVELS]
            ends = np.moveaxis(np.stack(both, axis=1), 2, 0)
        return cls(value, std, *ends)

    @property
    def low(self) -> np.ndarray:
        """Lower ends of the 90 % intervals."""
        return self.lows[:, LEVELS.index(COVERAGE_LEVEL)]

    @property
    def high(self) -> np.ndarray:
        """Upper ends of the 90 % intervals."""
        return self.highs[:, LEVELS.index(COVERAGE_LEVEL)]


def decode(
    distribution: np.ndarray, grid: LabelGrid, decoder: str = "expectation"
) -> tuple[np.ndarray, np.ndarray]:
    """Return values and standard deviations, both (N,) float64, of (N, K) distributions.

    >>> value, std = decode(np.array([[0.5, 0.0, 0.5]]), LabelGrid(0, 2))
    >>> value.tolist(), std.tolist()
    ([1.0], [1.0])
    """
    distribution = np.asarray(distribution, np.float64)
    distribution = distribution / distribution.sum(axis=1, keepdims=True)  # float32's sum is not 1
    return grid.decode(distribution, decoder), grid.std(distribution)


def interval_ends(
    distribution: np.ndarray, grid: LabelGrid, levels: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the central intervals, as `Prediction.interval` gives them for one face.

    Each label stands for the cell of half a step to either side, over which its probability is
    spread evenly; the intervals are cut at the ends of the grid.

    Args:
        distribution: (N, K) probabilities.
        grid: K labels.
        levels: L shares of the distribution that are to lie inside, each between 0 and 1.

    Returns:
        low and high, both (N, L) float64, in the grid's unit.

    Raises:
        ConfigError: a level is out of range.

    >>> low, high = interval_ends(np.array([[0, 0, 1.0, 0, 0]]), LabelGrid(0, 4), [0.5])
    >>> float(low[0, 0]), float(high[0, 0])
    (1.75, 2.25)
    """
    tails = (1 - np.array([check_level(level) for level in levels])) / 2
    mass = np.asarray(distribution, np.float64)
    below = np.concatenate([np.zeros((len(mass), 1)), np.cumsum(mass, axis=1)], axis=1)
    half = grid.step / 2
    edges = np.append(grid.labels64 - half, grid.stop + half)
    low, high = (
        np.stack([_quantile(below, edges, share) for share in shares], axis=1)
        for shares in (tails, 1 - tails)
    )
    return np.clip(low, grid.start, grid.stop), np.clip(high, grid.start, grid.stop)


def _quantile(below: np.ndarray, edges: np.ndarray, share: float) -> np.ndarray:
    """Return (N,) where the (N, K + 1) mass below each edge reaches a share of the sum."""
    wanted = share * below[:, -1:]
    # The last edge with no more mass below it; the cell that begins there holds the place.
    cell = np.minimum((below <= wanted).sum(axis=1) - 1, below.shape[1] - 2)[:, None]
    start = np.take_along_axis(below, cell, axis=1)
    mass = np.take_along_axis(below, cell + 1, axis=1) - start
    width = np.diff(edges)[cell]
    return (edges[cell] + (wanted - start) / mass * width)[:, 0]
