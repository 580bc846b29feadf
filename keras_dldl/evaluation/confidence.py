"""How sure the numbers are: each of them once more for many drawings of the faces."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_dldl.evaluation.numbers import THRESHOLDS
from keras_dldl.evaluation.resampling import (
    LEVEL,
    MIN_UNITS,
    REPLICATES,
    drawn_counts,
    percentile_interval,
)
from keras_dldl.labels import TIE_TOLERANCE

COVERAGE = "interval_90_coverage"
# A spread so much smaller than the numbers themselves is their rounding.
ROUNDING = 1e-10


@dataclass(frozen=True)
class Part:
    """Some of the faces, and what is summed over them.

    Args:
        index: (n,) which faces.
        columns: (n, C) what is summed.
    """

    index: np.ndarray
    columns: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """Sums over drawn faces.

    Args:
        sums: (B, C) by part: the sums of its columns in each of B drawings.
        units: by part: how many faces or people it holds.
        by: what was drawn, "face" or "subject".
        seed: of the drawing.
    """

    sums: Mapping[Hashable, np.ndarray]
    units: Mapping[Hashable, int]
    by: str
    seed: int

    def interval(self, key: Hashable, replicates: np.ndarray) -> list[float] | None:
        """Return the interval of a number of a part, None where the part is too small for one."""
        return percentile_interval(replicates) if self.units[key] >= MIN_UNITS else None

    def mean(self, key: Hashable, column: int) -> np.ndarray:
        """Return (B,) the mean of a column over the part's faces; column 0 counts them."""
        sums = self.sums[key]
        return _ratio(sums[:, column], sums[:, 0])

    def settings(self) -> dict[str, Any]:
        """Return how the intervals were made, as plain JSON values."""
        return {"level": LEVEL, "replicates": REPLICATES, "seed": self.seed, "by": self.by}


def draw(
    parts: Mapping[Hashable, Part], units: np.ndarray, by: str = "face", seed: int = 0
) -> Drawn:
    """Resample the faces `REPLICATES` times, the same for all parts, and sum over each part.

    Args:
        parts: what to sum; the first column of each is all ones.
        units: (N,) what is drawn as one, 0 ... U - 1, see `resampling.units_of`.
        by: "face" or "subject".
        seed: of the drawing; equal seeds draw the same faces.
    """
    count = int(units.max()) + 1
    by_unit = {key: _by_unit(part, units) for key, part in parts.items()}
    sums: dict[Hashable, list[np.ndarray]] = {key: [] for key in parts}
    for counts in drawn_counts(count, REPLICATES, np.random.default_rng(seed)):
        weights = np.ascontiguousarray(counts.T, np.float64)  # a unit's counts lie side by side
        for key, part in by_unit.items():
            own = weights if len(part.index) == count else weights[part.index]
            sums[key].append(own.T @ part.columns)
    held = {key: len(part.index) for key, part in by_unit.items()}
    return Drawn({key: np.concatenate(made) for key, made in sums.items()}, held, by, seed)


def _by_unit(part: Part, units: np.ndarray) -> Part:
    """Return the part with units in the place of faces: which there are, and sums over each."""
    present, place = np.unique(units[part.index], return_inverse=True)
    columns = np.zeros((len(present), part.columns.shape[1]))
    np.add.at(columns, place, part.columns)
    return Part(present, columns)


def moments(
    label: np.ndarray, value: np.ndarray, sigma: np.ndarray | None, covered: np.ndarray
) -> np.ndarray:
    """Return (N, M) what `numbers_of` needs to have summed over faces.

    Args:
        label: (N,) true labels.
        value: (N,) predicted values.
        sigma: (N,) of the annotators, NaN or negative where unknown; or None.
        covered: (N,) whether the 90 % interval holds the label.
    """
    error = value - label
    sigma = np.full(label.shape, np.nan) if sigma is None else sigma
    known = np.isfinite(sigma) & (sigma >= 0)
    scaled = np.where(error == 0, 0.0, np.inf)
    with np.errstate(over="ignore"):  # infinitely many sigmas away: 1
        np.divide(error, sigma, out=scaled, where=known & (sigma > 0))
        epsilon = np.where(known, -np.expm1(-0.5 * scaled**2), 0.0)
    x, y = label - label.mean(), value - label.mean()
    within = [np.abs(error) <= t + TIE_TOLERANCE for t in THRESHOLDS]
    columns = [np.ones_like(error), np.abs(error), error, error**2, covered, known, epsilon]
    return np.stack([*columns, x, y, x * x, y * y, x * y, *within], axis=1).astype(np.float64)


def numbers_of(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Return the numbers that (B, M) sums of `moments` make, each (B,), NaN where undefined.

    The keys are those of `numbers.summary`, with "cs 3" for `cs["3"]`, and the coverage.
    """
    n, absolute, error, square, covered, known, epsilon, x, y, xx, yy, xy, *within = sums.T
    return {
        "mae": _ratio(absolute, n),
        "bias": _ratio(error, n),
        **{f"cs {t}": 100 * _ratio(one, n) for t, one in zip(THRESHOLDS, within, strict=True)},
        "rmse": np.sqrt(_ratio(square, n)),
        "pearson": _pearson(*(_ratio(one, n) for one in (x, y, xx, yy, xy))),
        "epsilon_error": _ratio(epsilon, known),
        COVERAGE: 100 * _ratio(covered, n),
    }


def intervals_of(drawn: Drawn, key: Hashable) -> dict[str, Any]:
    """Return the interval of each number of a part, or None, in the form of `summary`."""
    found = {
        name: drawn.interval(key, replicates)
        for name, replicates in numbers_of(drawn.sums[key]).items()
    }
    scores = {str(t): found.pop(f"cs {t}") for t in THRESHOLDS}
    return {"units": drawn.units[key], **found, "cs": scores}


def _pearson(x, y, xx, yy, xy) -> np.ndarray:
    spread_x, spread_y = xx - x * x, yy - y * y
    defined = (spread_x > ROUNDING * xx) & (spread_y > ROUNDING * yy)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (xy - x * y) / np.sqrt(spread_x * spread_y)
    return np.where(defined, np.clip(r, -1.0, 1.0), np.nan)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    out = np.full(below.shape, np.nan)
    return np.divide(above, below, out=out, where=below > 0)
