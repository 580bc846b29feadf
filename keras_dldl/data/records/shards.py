"""Which faces lie in which record file."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from keras_dldl.data.splits.draw import scattered

if TYPE_CHECKING:
    import pandas as pd

ROWS_PER_SHARD = 256


def shards_of(
    table: "pd.DataFrame", rows_per_shard: int = ROWS_PER_SHARD
) -> Iterator[tuple[str, "pd.DataFrame"]]:
    """Yield the name of each record file and its rows in order, whatever their splits.

    Args:
        table: rows with `path`; their order does not matter.
        rows_per_shard: in each file but the last.
    """
    rows = scattered(table)
    count = -(-len(rows) // rows_per_shard)
    for k in range(count):
        part = rows.iloc[k * rows_per_shard : (k + 1) * rows_per_shard]
        yield f"{k:05d}-of-{count:05d}.tfrecord", part
