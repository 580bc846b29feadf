"""Resampling faces: the counts behind every bootstrap interval, and what is made of them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.95
REPLICATES = 2_000
# Fewer people than that say too little about how they would vary; then there is no interval.
MIN_UNITS = 10
AT_ONCE = 500  # replicates
CELLS_AT_ONCE = 2_500_000  # faces x replicates; bounds the memory to some tens of megabytes


def drawn_counts(units: int, replicates: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield (b, units) int64: how often each unit is drawn, in `replicates` draws of all of them.

    Args:
        units: how many faces, or people, there are.
        replicates: how many draws, in parts of b at most `AT_ONCE`; their size does not change
            what is drawn.
        rng: draws.
    """
    at_once = min(AT_ONCE, max(1, CELLS_AT_ONCE // units))
    for first in range(0, replicates, at_once):
        count = min(at_once, replicates - first)
        yield rng.multinomial(units, np.full(units, 1 / units), size=count)


def units_of(rows: "pd.DataFrame") -> tuple[np.ndarray, str]:
    """Return what is drawn as one: (N,) the number of each face's unit, and "face" or "subject".

    People are drawn, with all their faces, where somebody has several: faces of one person err
    alike, and drawing them singly would make intervals too narrow. A `subject` is one of its
    `database`; a face without one is a unit of its own.

    Args:
        rows: N rows, with or without the columns `subject` and `database`.
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
