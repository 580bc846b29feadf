"""`prepare --drop-leaks`: which faces leak, decided when all are written."""

from typing import TYPE_CHECKING

import numpy as np

from keras_dldl.data.leaks.fingerprints import fingerprint_all
from keras_dldl.data.leaks.search import find_pairs, groups_of, leaking
from keras_dldl.data.records.reading import Records
from keras_dldl.data.sources.base import Skipped

if TYPE_CHECKING:
    import pandas as pd


def find_leaks(rows: "pd.DataFrame", records: Records) -> list[Skipped]:
    """Return the faces that are also in a part held out more, each with the face it copies.

    Of a picture that occurs in several parts, test keeps its copies, else validation does.

    Args:
        rows: N rows with `path` and `split`.
        records: their faces.

    Raises:
        DataError: a shard is damaged.
    """
    encoded = (face for part in records.parts() for face in part)
    numbers, prints, _ = fingerprint_all(enumerate(encoded), len(records))
    rows, left = rows.iloc[numbers].reset_index(drop=True), np.arange(len(numbers))
    dropped: dict[str, str] = {}
    # Until nothing more is found: the search is relative to the set's mean face.
    while True:
        paths, parts = (rows[name].to_numpy(object)[left] for name in ("path", "split"))
        leaks = leaking(parts, groups_of(find_pairs(prints.take(left), parts), len(left)))
        if not leaks:
            return [Skipped(path, dropped[path]) for path in sorted(dropped)]
        for i, keeper in leaks.items():
            dropped[paths[i]] = f"the same picture is in {parts[keeper]}: {paths[keeper]}"
        left = np.delete(left, list(leaks))
