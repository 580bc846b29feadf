"""How much each training image should count, by what the check found: `image_weights.csv`."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from keras_dldl.data.annotations.reading import numbers_in
from keras_dldl.data.manifest import read_table
from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import DataError

COPY = "one of several copies"
HELD_OUT = "also in {part}"
CONFLICT = "copies with labels {low:g} to {high:g}"
CONTRADICTED = "a model says otherwise, by {error:.3g}"


def proposed_weights(
    table: pd.DataFrame, groups: np.ndarray, leaks: dict[int, int], tolerance: float
) -> pd.DataFrame:
    """Return the training images that should not count once, and how much they should.

    Of one picture, all copies in training together count once; they count nothing if it is held out
    too, or if their labels contradict each other, since nobody knows which is right. Nor does a
    picture whose label is contradicted.

    Args:
        table: rows with `folder`, `path`, `split`, `label`, and `contradicted`: by how much, NaN
            for labels that are not.
        groups: (N,) the same number for all copies of one picture.
        leaks: as `leaking` returns them, by the positions of the rows.
        tolerance: labels of one picture may differ by this much.

    Returns:
        A table with `folder`, `path`, `weight` and `reason`, in the order of `table`.
    """
    found = []
    # Of hundred thousands of faces, few are one of several or contradicted.
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    concerned = (sizes[inverse] > 1) | np.isfinite(table["contradicted"].to_numpy(np.float64))
    for _, group in table[concerned].groupby(groups[concerned], sort=False):
        own = group[group["split"] == "train"]
        for i, row in own.iterrows():
            low, high = own["label"].min(), own["label"].max()
            weight, reason = 1 / len(own), COPY
            if high - low > tolerance + 1e-9:
                weight, reason = 0.0, CONFLICT.format(low=low, high=high)
            if i in leaks:
                weight, reason = 0.0, HELD_OUT.format(part=table["split"].iloc[leaks[i]])
            if weight and np.isfinite(row["contradicted"]):
                weight, reason = 0.0, CONTRADICTED.format(error=row["contradicted"])
            if weight != 1:
                found.append((i, row["folder"], row["path"], weight, reason))
    columns = ("place", "folder", "path", "weight", "reason")
    proposed = pd.DataFrame(found, columns=columns).sort_values("place", ignore_index=True)
    return proposed.drop(columns="place")


def contradicted(
    table: pd.DataFrame, data: PreparedData, predictions: Sequence[str], max_error: float | None
) -> np.ndarray:
    """Return by how much the predictions contradict each label, (N,) float64, else NaN.

    With several files, the least of their differences counts: a label is contradicted when all
    models say so.

    Args:
        table: rows with `path` and `label`.
        data: the prepared data.
        predictions: files with the columns `path`, `label` and `value`.
        max_error: what they may be off by.

    Raises:
        DataError: a file cannot be read, or is of other faces.
    """
    least = np.full(len(table), np.inf if predictions else np.nan)
    keys = list(zip(table["path"], table["label"].astype(float), strict=True))
    for file in predictions:
        found = read_table(file, ("path", "label", "value"))
        labels, values = (numbers_in(found[name]) for name in ("label", "value"))
        values = dict(zip(zip(found["path"], labels, strict=True), values, strict=True))
        errors = np.array([abs(values.get(key, np.nan) - key[1]) for key in keys])
        if np.isnan(errors).all():
            raise DataError(
                "Predictions must be of the data's own faces: `keras-dldl evaluate --split train` "
                f"writes them. Received: {file}, which names none of {len(keys):,} faces of "
                f"{', '.join(str(folder.path) for folder in data.folders)}"
            )
        least = np.fmin(least, np.where(np.isnan(errors), 0.0, errors))
    return np.where(least > (max_error or np.inf), least, np.nan)
