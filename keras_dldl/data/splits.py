"""Splits that are the same on every machine and keep a subject in one part."""

import hashlib
from typing import TYPE_CHECKING

from keras_dldl.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd


def assign_splits(
    table: "pd.DataFrame", val: float = 0.1, test: float = 0.1, seed: int = 0
) -> "pd.Series":
    """Return a split for every row: what the row has, else one drawn by its subject.

    The draw is a hash of seed and subject (of the path, where a row has no subject), so it depends
    neither on the order of rows nor on the machine, and a person is never in two parts.

    Args:
        table: rows with `path` and optionally `subject` and `split`.
        val: share of validation rows, in [0, 1).
        test: share of test rows, in [0, 1); `val + test` must be below 1.
        seed: another seed, another split.

    Returns:
        A series of "train", "val", "test".
    """
    if not (0 <= val < 1 and 0 <= test < 1 and val + test < 1):
        raise ConfigError(
            "Shares of validation and test rows must each be in [0, 1) and together below 1. "
            f"Received: val={val}, test={test}"
        )
    keys = table["path"].astype(str)
    if "subject" in table:
        keys = table["subject"].where(table["subject"].notna(), keys).astype(str)
    drawn = keys.map(lambda key: _split_of(unit_hash(f"{seed}:{key}"), val, test))
    if "split" not in table:
        return drawn
    return table["split"].where(table["split"].notna(), drawn)


def unit_hash(text: str) -> float:
    """Return a number in [0, 1) that depends on `text` alone.

    >>> round(unit_hash("0:somebody"), 6)
    0.698127
    """
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _split_of(draw: float, val: float, test: float) -> str:
    if draw < test:
        return "test"
    return "val" if draw < test + val else "train"
