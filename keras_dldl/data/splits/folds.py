"""Folds of equal size that keep a subject whole and do not depend on the order of rows."""

import heapq
from typing import TYPE_CHECKING

from keras_dldl.data.splits.draw import keys_of, unit_hash
from keras_dldl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

STRATA = 10


def draw_folds(table: "pd.DataFrame", folds: int, seed: int = 0) -> "pd.Series":
    """Return a fold, 1 ... `folds`, for every row, drawn by subject.

    The largest subjects are dealt first, each to the fold that has the fewest rows so far; among
    subjects of one size, those of similar labels are dealt in succession, in an order drawn from a
    hash. So folds differ in size by no more than the largest subject (by one row, where every
    subject has one), labels are spread evenly over them, and neither the order of rows nor the
    machine matters. As many folds as subjects leave one person out each (the protocol of FG-NET).

    Args:
        table: rows with `path`, `label`, and optionally `subject`; a row without subject counts as
            a subject of its own.
        folds: their number.
        seed: another seed, other folds.

    Raises:
        DataError: there are fewer subjects than folds.
    """
    import pandas as pd

    keys = keys_of(table)
    people = table["label"].astype("float64").groupby(keys).agg(["size", "median"])
    if len(people) < folds:
        raise DataError(
            f"There must be at least as many subjects (or images without subject) as folds. "
            f"Received: {folds} folds for {len(people)}"
        )
    # The median, since a mean's last digit depends on the order of the rows.
    rank = people["median"].rank(method="min") - 1
    people["stratum"] = (rank * STRATA // len(people)).astype(int)
    people["draw"] = people.index.map(lambda key: unit_hash(f"{seed}:fold:{key}"))
    people = people.sort_values(["size", "stratum", "draw"], ascending=[False, True, True])
    return keys.map(pd.Series(_dealt(people["size"], folds), index=people.index))


def _dealt(sizes: "pd.Series", folds: int) -> list[int]:
    totals = [(0, fold) for fold in range(1, folds + 1)]
    dealt = []
    for size in sizes:
        total, fold = totals[0]
        dealt.append(fold)
        heapq.heapreplace(totals, (total + int(size), fold))
    return dealt
