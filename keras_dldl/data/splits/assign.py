"""Splits given or drawn, the same on every machine, that keep a subject in one part."""

from typing import TYPE_CHECKING

from keras_dldl.data.splits.draw import keys_of, unit_hash
from keras_dldl.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

SHOWN_SUBJECTS = 5


def assign_splits(
    table: "pd.DataFrame", val: float = 0.1, test: float = 0.1, seed: int = 0
) -> "pd.Series":
    """Return a split for every row: what it or its subject was given, else one drawn by subject.

    The draw is a hash of seed and subject (of the path, where a row has no subject), so it depends
    neither on the order of rows nor on the machine, and a person is never in two parts.

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
    drawn = keys_of(table).map(lambda key: _split_of(unit_hash(f"{seed}:{key}"), val, test))
    if "split" not in table:
        return drawn
    given = table["split"]
    if "subject" in table:
        given = given.where(given.notna(), table["subject"].map(_given_to_subjects(table)))
    return given.where(given.notna(), drawn)


def check_shares(val: float, test: float) -> None:
    """Raise a ConfigError unless validation and test can have these shares of the rows."""
    if not (0 <= val < 1 and 0 <= test < 1 and val + test < 1):
        raise ConfigError(
            "Shares of validation and test rows must each be in [0, 1) and together below 1. "
            f"Received: val={val}, test={test}"
        )


def _given_to_subjects(table: "pd.DataFrame") -> dict[str, str]:
    """Return the split that each subject was given with any of its rows."""
    pairs = table[["subject", "split"]].dropna().drop_duplicates()
    check_whole(pairs)
    return dict(zip(pairs["subject"], pairs["split"], strict=True))


def check_whole(pairs: "pd.DataFrame") -> None:
    """Raise a DataError if a subject occurs twice in these different (subject, split) pairs."""
    torn = sorted(map(str, pairs["subject"][pairs["subject"].duplicated()].unique()))
    if torn:
        more = f" and {len(torn) - SHOWN_SUBJECTS} more" if len(torn) > SHOWN_SUBJECTS else ""
        raise DataError(
            "All rows of a subject must be given the same split; `--split drawn` draws another. "
            f"Received: different ones for subject {', '.join(torn[:SHOWN_SUBJECTS])}{more}"
        )


def _split_of(draw: float, val: float, test: float) -> str:
    if draw < test:
        return "test"
    return "val" if draw < test + val else "train"
