"""The ends of intervals of many predictions at once, and whether they hold what they claim."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_dldl.calibration import Calibration
from keras_dldl.evaluation.confidence import Drawn, Part
from keras_dldl.labels import LabelGrid
from keras_dldl.predict.prediction import check_level

LEVELS = tuple(k / 100 for k in range(5, 100, 5))
COVERAGE_LEVEL = 0.9
CALIBRATION = "calibration"


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
    low = [_quantile(below, edges, tail) for tail in tails]
    high = [_quantile(below, edges, 1 - tail) for tail in tails]
    ends = (np.stack(side, axis=1) for side in (low, high))
    low, high = (np.clip(side, grid.start, grid.stop) for side in ends)
    return low, high


def calibrated_ends(
    value: np.ndarray, std: np.ndarray, calibration: Calibration, levels: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the intervals that a calibration gives; results as of `interval_ends`.

    Args:
        value: (N,) predicted values.
        std: (N,) their spreads.
        calibration: the model's.
        levels: L shares of faces that are to lie inside.
    """
    ends = [calibration.intervals(value, std, check_level(level)) for level in levels]
    low, high = np.moveaxis(np.stack(ends, axis=1), 2, 0)
    return low, high


def covered_part(label: np.ndarray, low: np.ndarray, high: np.ndarray) -> Part:
    """Return what is summed for the calibration: whether each level's interval holds the label.

    Args:
        label: (N,) true labels.
        low: (N, L) lower ends, a column for each of `LEVELS`.
        high: (N, L) upper ends.
    """
    inside = (label[:, None] >= low) & (label[:, None] <= high)
    ones = np.ones((len(label), 1))
    return Part(np.arange(len(label)), np.concatenate([ones, inside], axis=1))


def calibration(
    label: np.ndarray, low: np.ndarray, high: np.ndarray, drawn: Drawn
) -> dict[str, Any]:
    """Return the claimed levels and the shares covered, both in percent, ready for JSON.

    Args:
        label: (N,) true labels.
        low: (N, L) lower ends.
        high: (N, L) upper ends.
        drawn: the drawings, with the `covered_part` under `CALIBRATION`.

    Returns:
        `levels`, `covered`, `confidence` (an interval a level, or None) and `mean_width`, in the
        unit of the labels: lists of one length. `largest_gap`: the level, claimed, at which
        the share covered is furthest from it, and by how much (covered - claimed).
    """
    covered = 100 * covered_part(label, low, high).columns[:, 1:].mean(axis=0)
    claimed = 100 * np.array(LEVELS)
    furthest = int(np.argmax(np.abs(covered - claimed)))
    return {
        "levels": [float(round(level, 6)) for level in claimed],
        "covered": covered.tolist(),
        "confidence": [
            drawn.interval(CALIBRATION, 100 * drawn.mean(CALIBRATION, 1 + k))
            for k in range(len(LEVELS))
        ],
        "mean_width": (high - low).mean(axis=0).tolist(),
        "largest_gap": {
            "level": float(round(claimed[furthest], 6)),
            "difference": float(covered[furthest] - claimed[furthest]),
        },
    }


def _quantile(below: np.ndarray, edges: np.ndarray, share: float) -> np.ndarray:
    """Return (N,) where the (N, K + 1) mass below each edge reaches a share of the whole."""
    wanted = share * below[:, -1:]
    # The last edge with no more mass below it; the cell that begins there holds the place.
    cell = np.minimum((below <= wanted).sum(axis=1) - 1, below.shape[1] - 2)[:, None]
    start = np.take_along_axis(below, cell, axis=1)
    mass = np.take_along_axis(below, cell + 1, axis=1) - start
    width = np.diff(edges)[cell]
    return (edges[cell] + (wanted - start) / mass * width)[:, 0]
