"""How sure the numbers are: each of them once more for many drawings of the faces."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.evaluation.numbers import THRESHOLDS, epsilon_errors
from keras_dldl.labels import TIE_TOLERANCE

if TYPE_CHECKING:
    import pandas as pd

COVERAGE = "interval_90_coverage"
LEVEL = 0.95
REPLICATES = 2_000
# Fewer people than that say too little about how they would vary; then there is no interval.
MIN_UNITS = 10
AT_ONCE = 500  # replicates
CELLS_AT_ONCE = 2_500_000  # faces x replicates; bounds the memory to some tens of megabytes
# A spread so much smaller than the numbers themselves is their rounding.
ROUNDING = 1e-10


@dataclass(frozen=True)
class Part:
    """Some of the faces, (n,) indices, and (n, C) what is summed over them."""

    index: np.ndarray
    columns: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """Sums over drawn faces.

    Args:
        sums: by part: (B, C) sums of its columns in each of B drawings.
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
        units, by: what is drawn as one, see `units_of`.
        seed: equal seeds draw the same faces.
    """
    count = int(units.max()) + 1
    by_unit = {}
    for key, part in parts.items():  # units in the place of faces: which there are, their sums
        present, place = np.unique(units[part.index], return_inverse=True)
        columns = np.zeros((len(present), part.columns.shape[1]))
        np.add.at(columns, place, part.columns)
        by_unit[key] = Part(present, columns)
    sums: dict[Hashable, list[np.ndarray]] = {key: [] for key in parts}
    for counts in drawn_counts(count, REPLICATES, np.random.default_rng(seed)):
        weights = np.ascontiguousarray(counts.T, np.float64)  # a unit's counts are contiguous
        for key, part in by_unit.items():
            own = weights if len(part.index) == count else weights[part.index]
            sums[key].append(own.T @ part.columns)
    held = {key: len(part.index) for key, part in by_unit.items()}
    return Drawn({key: np.concatenate(made) for key, made in sums.items()}, held, by, seed)


def moments(
    label: np.ndarray, value: np.ndarray, sigma: np.ndarray | None, covered: np.ndarray
) -> np.ndarray:
    """Return (N, M) what `numbers_of` needs to have summed over faces, all arguments (N,).

    `sigma` is NaN or negative where unknown, or None; `covered` says whether the 90 % interval
    holds the label.
    """
    error = value - label
    epsilon = epsilon_errors(error, np.full(label.shape, np.nan) if sigma is None else sigma)
    known = np.isfinite(epsilon)
    epsilon[~known] = 0.0
    x, y = label - label.mean(), value - label.mean()
    within = [np.abs(error) <= t + TIE_TOLERANCE for t in THRESHOLDS]
    columns = [np.ones_like(error), np.abs(error), error, error**2, covered, known, epsilon]
    return np.stack([*columns, x, y, x * x, y * y, x * y, *within], axis=1).astype(np.float64)


def numbers_of(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Return the numbers that (B, M) sums of `moments` make, each (B,), NaN where undefined.

    The keys are those of `numbers.summary`, with "cs 3" for `cs["3"]`, and the coverage. Further
    columns are passed over.
    """
    n, absolute, error, square, covered, known, epsilon, x, y, xx, yy, xy, *rest = sums.T
    return {
        "mae": _ratio(absolute, n),
        "bias": _ratio(error, n),
        **{f"cs {t}": 100 * _ratio(one, n) for t, one in zip(THRESHOLDS, rest, strict=False)},
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


def drawn_counts(units: int, replicates: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield (b, units) int64: how often each unit is drawn, in `replicates` draws of all of them.

    The size of the parts, b, does not change what is drawn.
    """
    at_once = min(AT_ONCE, max(1, CELLS_AT_ONCE // units))
    for first in range(0, replicates, at_once):
        count = min(at_once, replicates - first)
        yield rng.multinomial(units, np.full(units, 1 / units), size=count)


def units_of(rows: "pd.DataFrame") -> tuple[np.ndarray, str]:
    """Return what is drawn as one: (N,) the number of each face's unit, and "face" or "subject".

    People are drawn, with all their faces, where somebody has several: faces of one person err
    similarly, and drawing them singly would make intervals too narrow. A `subject` is one of its
    `database`; a face without one is a unit of its own.
    """
    alone = np.arange(len(rows))
    if "subject" not in rows or not rows["subject"].notna().any():
        return alone, "face"
    database = rows["database"].astype(str) if "database" in rows else [""] * len(rows)
    known = rows["subject"].notna().to_numpy()
    names = [
        (name, str(subject)) if has else i
        for i, name, subject, has in zip(alone, database, rows["subject"], known, strict=True)
    ]
    numbers: dict[object, int] = {}
    units = np.array([numbers.setdefault(name, len(numbers)) for name in names])
    return (units, "subject") if len(numbers) < len(rows) else (alone, "face")


def percentile_interval(replicates: np.ndarray) -> list[float] | None:
    """Return the central 95 % of (B,) replicates, None where half of them or more are undefined.

    That is the percentile interval (Efron and Tibshirani 1993, chapter 13). A replicate is NaN
    where the number is not defined for what was drawn: no face of a group, say.
    """
    defined = replicates[np.isfinite(replicates)]
    if len(defined) * 2 <= len(replicates):
        return None
    tail = (1 - LEVEL) / 2
    return [float(end) for end in np.quantile(defined, [tail, 1 - tail])]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979): the chance of any false finding.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    count, highest = len(p_values), 0.0
    corrected = [0.0] * count
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (count - rank) * p_values[index]))
        corrected[index] = highest
    return corrected
