"""Splits and folds drawn by hash: the same on every machine, whatever the order of the rows.

A subject is never in two parts.
"""

import hashlib
import heapq
from typing import TYPE_CHECKING

from keras_dldl._utils.arguments import first_few
from keras_dldl.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

STRATA = 10


def unit_hash(text: str) -> float:
    """Return a number in [0, 1) that depends on `text` alone.

    >>> round(unit_hash("0:somebody"), 6)
    0.698127
    """
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def keys_of(table: "pd.DataFrame") -> "pd.Series":
    """Return what each row is drawn by: its subject, or its path where it has none."""
    keys = table["path"].astype(str)
    if "subject" not in table:
        return keys
    return table["subject"].where(table["subject"].notna(), keys).astype(str)


def scattered(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows in an order that depends on their paths alone, and is like no other order.

    Neighbours in a data set's order are similar (one age, one person). Scattered, they lie in
    different shards, so that reading shard by shard is already a rough shuffle.
    """
    order = table["path"].map(lambda path: hashlib.sha256(path.encode("utf-8")).digest())
    return table.loc[order.sort_values(kind="stable").index]


def assign_splits(
    table: "pd.DataFrame", val: float = 0.1, test: float = 0.1, seed: int = 0
) -> "pd.Series":
    """Return a split for every row: what it or its subject was given, else one drawn by subject.

    The draw is a hash of seed and subject (of the path, where a row has no subject).

    Args:
        table: rows with `path` and optionally `subject` and `split`.
        val: share of validation rows, in [0, 1).
        test: share of test rows, in [0, 1); `val + test` must be below 1.
        seed: another seed, another split.

    Returns:
        A series of "train", "val", "test".

    Raises:
        ConfigError: impossible shares.
        DataError: rows of one subject are given different splits.
    """
    check_shares(val, test)

    def draw(key: str) -> str:
        drawn = unit_hash(f"{seed}:{key}")
        return "test" if drawn < test else "val" if drawn < test + val else "train"

    drawn = keys_of(table).map(draw)
    if "split" not in table:
        return drawn
    given = table["split"]
    if "subject" in table:
        pairs = table[["subject", "split"]].dropna().drop_duplicates()
        check_whole(pairs)
        of_subject = dict(zip(pairs["subject"], pairs["split"], strict=True))
        given = given.where(given.notna(), table["subject"].map(of_subject))
    return given.where(given.notna(), drawn)


def check_shares(val: float, test: float) -> None:
    """Raise a ConfigError unless validation and test can have these shares of the rows."""
    if not (0 <= val < 1 and 0 <= test < 1 and val + test < 1):
        raise ConfigError(
            "Shares of validation and test rows must each be in [0, 1) and together below 1. "
            f"Received: val={val}, test={test}"
        )


def check_whole(pairs: "pd.DataFrame") -> None:
    """Raise a DataError if a subject occurs twice in these different (subject, split) pairs."""
    torn = sorted(map(str, pairs["subject"][pairs["subject"].duplicated()].unique()))
    if torn:
        raise DataError(
            "All rows of a subject must be given the same split; `--split drawn` draws another. "
            f"Received: different ones for subject {first_few(torn)}"
        )


def draw_folds(table: "pd.DataFrame", folds: int, seed: int = 0) -> "pd.Series":
    """Return a fold, 1 ... `folds`, for every row, drawn by subject.

    The largest subjects are dealt first, each to the fold that has the fewest rows so far; among
    subjects of one size, those of similar labels are dealt in succession, in an order drawn from a
    hash. So folds differ in size by no more than the largest subject (by one row, where every
    subject has one), and labels are spread evenly over them. As many folds as subjects leave one
    person out each (the protocol of FG-NET).

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
    totals = [(0, fold) for fold in range(1, folds + 1)]
    dealt = []
    for size in people["size"]:
        total, fold = totals[0]
        dealt.append(fold)
        heapq.heapreplace(totals, (total + int(size), fold))
    return keys.map(pd.Series(dealt, index=people.index))
