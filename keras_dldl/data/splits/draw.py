"""Draws by hash: the same on every machine, whatever the order of the rows."""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


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
