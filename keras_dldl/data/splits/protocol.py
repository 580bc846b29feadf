"""Which rows are trained on, which tested on: official, drawn, by folds, one person left out.

Drawn by hash: the same on every machine, whatever the order of the rows. A subject is never in two
parts.
"""

import hashlib
import heapq
import logging
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from keras_dldl._utils.arguments import check_choice, first_few
from keras_dldl.data.manifest import SPLITS
from keras_dldl.errors import ConfigError, DataError

log = logging.getLogger(__name__)
KINDS = ("official", "official-test", "drawn")
SHOWN = 5
STRATA = 10


def unit_hash(text: str) -> float:
    """Return a number in [0, 1) that depends on `text` alone.

    >>> round(unit_hash("0:somebody"), 6)
    0.698127
    """
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def keys_of(table: pd.DataFrame) -> pd.Series:
    """Return what each row is drawn by: its subject, or its path where it has none."""
    keys = table["path"].astype(str)
    if "subject" not in table:
        return keys
    return table["subject"].where(table["subject"].notna(), keys).astype(str)


def scattered(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in an order that depends on their paths alone, and is like no other order.

    Neighbours in a data set's order are similar (one age, one person). Scattered, they lie in
    different shards, so that reading shard by shard is already a rough shuffle.
    """
    order = table["path"].map(lambda path: hashlib.sha256(path.encode("utf-8")).digest())
    return table.loc[order.sort_values(kind="stable").index]


def assign_splits(
    table: pd.DataFrame, val: float = 0.1, test: float = 0.1, seed: int = 0
) -> pd.Series:
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
        DataError: rows of one subject are given different splits.
    """

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


def check_whole(pairs: pd.DataFrame) -> None:
    """Raise a DataError if a subject occurs twice in these different (subject, split) pairs."""
    torn = sorted(map(str, pairs["subject"][pairs["subject"].duplicated()].unique()))
    if torn:
        raise DataError(
            "All rows of a subject must be given the same split; `--split drawn` draws another. "
            f"Received: different ones for subject {first_few(torn)}"
        )


def draw_folds(table: pd.DataFrame, folds: int, seed: int = 0) -> pd.Series:
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


@dataclass(frozen=True)
class SplitOptions:
    """How to split the rows of a data set; `fold` and `leave_out` go before `split`.

    Args:
        split: "official" takes the splits that the data set gives, and draws where it gives none;
            "official-test" takes its test rows and draws validation from the others; "drawn" draws
            all.
        val: share of validation rows among those that are drawn.
        test: share of test rows, likewise; ignored if the test rows are known.
        seed: another seed, another draw.
        folds: number of folds to draw, 2 or more; see `draw_folds`.
        fold: the fold to test on: 1 ... `folds`, or else the name of one of the data set's own.
        leave_out: the subject to test on.

    Raises:
        ConfigError: a value is out of range, or two ways to split are asked for at once.
    """

    split: str = "official"
    val: float = 0.1
    test: float = 0.1
    seed: int = 0
    folds: int | None = None
    fold: int | str | None = None
    leave_out: str | None = None

    def __post_init__(self):
        check_choice("split", self.split, KINDS)
        val, test = self.val, self.test
        if not (0 <= val < 1 and 0 <= test < 1 and val + test < 1):
            raise ConfigError(
                "Shares of validation and test rows must each be in [0, 1) and together below 1. "
                f"Received: val={val}, test={test}"
            )
        if self.folds is not None and self.folds < 2:
            raise ConfigError(f"`folds` must be 2 or more. Received: folds={self.folds}")
        if self.fold is not None:  # one spelling, so that plans can be compared
            object.__setattr__(self, "fold", str(self.fold))
        if self.folds is not None and self.fold not in map(str, range(1, self.folds + 1)):
            raise ConfigError(
                f"With `folds` goes `fold`, the one to test on: 1 ... {self.folds}. "
                f"Received: fold={self.fold}"
            )
        if self.fold is not None and self.leave_out is not None:
            raise ConfigError(
                "Test either on a fold or on a person. "
                f"Received: fold={self.fold}, leave_out={self.leave_out!r}"
            )

    def chosen_split(self) -> dict[str, Any]:
        """Return the options above that have a value, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(SplitOptions)}
        return {name: value for name, value in values.items() if value is not None}


def split_rows(
    table: pd.DataFrame, options: SplitOptions, given: pd.Series | None = None
) -> pd.Series:
    """Return "train", "val" or "test" for every row; a subject is never in two parts.

    What is drawn, is drawn as `assign_splits` does: neither the order of rows nor the machine
    matters, and with one seed a person who is not tested on is in the same part for every fold.

    Args:
        table: rows with `path`, `label`, and optionally `subject` and `fold` (the data set's own).
        options: how to split.
        given: the splits that the data set gives, missing where it gives none.

    Raises:
        DataError: the data lack what was asked for, or it would tear a subject.
    """
    table = table.drop(columns="split", errors="ignore")
    tested = _tested(table, options, given)
    if tested is None:
        official = given is not None and options.split == "official"
        table = table.assign(split=given) if official else table
        return assign_splits(table, options.val, options.test, options.seed)
    if "subject" in table:
        check_whole(table[["subject"]].assign(split=tested).dropna().drop_duplicates())
    return assign_splits(table, options.val, 0, options.seed).where(~tested, "test")


def _tested(
    table: pd.DataFrame, options: SplitOptions, given: pd.Series | None
) -> pd.Series | None:
    """Return which rows are tested on, as true or false; None where that is not known yet."""
    if options.folds is not None:
        return draw_folds(table, options.folds, options.seed) == int(options.fold)
    if options.fold is not None:
        return _of_own_fold(table, options.fold)
    if options.leave_out is not None:
        return _of_person(table, options.leave_out)
    return _given_for_test(given) if options.split == "official-test" else None


def _of_own_fold(table: pd.DataFrame, fold: str) -> pd.Series:
    if "fold" not in table:
        raise DataError(
            "These data have no folds of their own (a column `fold`); --folds K draws K of them. "
            f"Received: fold={fold}"
        )
    # Numbers come back from a CSV file as 1 or, beside empty cells, as 1.0.
    names = table["fold"].map(lambda one: f"{one:g}" if isinstance(one, float) else str(one))
    known = sorted(names[table["fold"].notna()].unique())
    if fold not in known:
        raise DataError(
            f"`fold` must be one of the data set's own: {', '.join(known) or 'it has none'}. "
            f"Received: fold={fold}"
        )
    return names == fold


def _of_person(table: pd.DataFrame, subject: str) -> pd.Series:
    known = table["subject"].dropna().astype(str) if "subject" in table else []
    if subject not in set(known):
        some = sorted(set(known))[:SHOWN]
        shown = f"one of {len(set(known))}, such as {', '.join(some)}" if some else "it has none"
        raise DataError(
            f"The person to leave out must be a subject of the data: {shown}. Received: {subject!r}"
        )
    return table["subject"].astype(str) == subject


def _given_for_test(given: pd.Series | None) -> pd.Series:
    present = [] if given is None else [name for name in SPLITS if (given == name).any()]
    if "test" not in present:
        raise DataError(
            "An official test part needs rows that the data set itself gives to test. "
            f"Received: {'only ' + ', '.join(present) if present else 'no official splits'}"
        )
    return given == "test"


def warn_of_empty_splits(split: pd.Series, options: SplitOptions) -> None:
    """Log which of the splits that `options` ask for got no row."""
    for name, share in (("val", options.val), ("test", options.test)):
        if share > 0 and not (split == name).any():
            log.warning(
                "No row is in the split %r. Where the data set gives splits without this one, "
                "`prepare --split official-test` draws validation from all but its test rows; "
                "else %d rows are too few for a share of %g: raise it, or try another seed.",
                name,
                len(split),
                share,
            )
