"""The people who stand in more than one part of the data."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.data.manifest import SPLITS
from keras_dldl.data.prepared import PreparedData

if TYPE_CHECKING:
    import pandas as pd


def torn_subjects(table: "pd.DataFrame", data: PreparedData) -> list[dict[str, Any]]:
    """Return the people with faces in more than one part, and how many faces in each.

    The names of two data sets have nothing to do with each other: one person is a `subject` of one
    `database`, or of one source where there is no such column.

    Args:
        table: rows with `split`, `folder` (the number of the folder in `data`), and perhaps
            `subject` and `database`.
        data: the folders.
    """
    if "subject" not in table:
        return []
    sources = table["folder"].map(lambda k: str(data.folders[k].index["source"]))
    origin = table["database"].where(table["database"].notna(), sources) if (
        "database" in table
    ) else sources  # fmt: skip
    known = table.assign(origin=origin.astype(str))[table["subject"].notna()]
    torn = []
    for (name, subject), rows in known.groupby(["origin", "subject"], sort=True):
        if rows["split"].nunique() > 1:
            found = by_part(rows["split"].to_numpy(object))
            torn.append({"database": name, "subject": str(subject), "parts": found})
    return torn


def by_part(parts: np.ndarray) -> dict[str, int]:
    """Return the number of faces in each part.

    >>> by_part(np.array(["test", "train", "test"]))
    {'train': 1, 'val': 0, 'test': 2}
    """
    return {name: int((parts == name).sum()) for name in SPLITS}
