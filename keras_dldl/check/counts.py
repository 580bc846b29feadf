"""How many faces there are: by part, label, group and size."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.data.leaks.people import by_part
from keras_dldl.evaluation.groups import decades, grouping_columns
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import pandas as pd

BINS = 10
# Of no use as a group: it is the part itself, or says whose the face is.
NOT_GROUPS = ("split", "subject", "folder", "decade")


def labels(table: "pd.DataFrame", grid: LabelGrid) -> dict[str, dict[str, int]]:
    """Return {band of labels: faces in each part}; bands are decades of age, or tenths of the grid.

    Args:
        table: rows with `label` and `split`.
        grid: the labels' grid.
    """
    return _crossed(_bands(table["label"].to_numpy(np.float64), grid), table["split"])


def groups(table: "pd.DataFrame", grid: LabelGrid) -> dict[str, dict[str, dict[str, Any]]]:
    """Return {column: {value: faces in each part, and the labels' bands}}.

    Args:
        table: rows with `label`, `split` and further columns; those with at most 50 values count.
        grid: the labels' grid.
    """
    bands = np.array(_bands(table["label"].to_numpy(np.float64), grid), object)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for column in grouping_columns(table, task=grid.task):
        if column in NOT_GROUPS:
            continue
        values = table[column].astype(object).where(table[column].notna(), "(none)").astype(str)
        found[column] = {}
        for value in sorted(values.unique()):
            mask = (values == value).to_numpy()
            found[column][value] = {
                "parts": by_part(table["split"].to_numpy(object)[mask]),
                "labels": _crossed(bands[mask].tolist(), table["split"][mask]),
            }
    return found


def sizes(stored: np.ndarray) -> dict[str, int]:
    """Return {"112 x 112": number of faces} of (N, 2) widths and heights, smallest first."""
    kinds, numbers = np.unique(stored, axis=0, return_counts=True)
    return {f"{w} x {h}": int(n) for (w, h), n in zip(kinds, numbers, strict=True)}


def _bands(label: np.ndarray, grid: LabelGrid) -> list[str]:
    if grid.task == "age":
        return decades(label).tolist()
    width = (grid.stop - grid.start) / BINS
    index = np.clip(np.floor((label - grid.start) / width + 1e-9).astype(int), 0, BINS - 1)
    return [f"{grid.start + k * width:g}-{grid.start + (k + 1) * width:g}" for k in index]


def _crossed(bands: list[str], split: "pd.Series") -> dict[str, dict[str, int]]:
    parts, names = split.to_numpy(object), np.array(bands, object)
    ordered = sorted(set(bands), key=lambda band: float(band.partition("-")[0]))
    return {band: by_part(parts[names == band]) for band in ordered}
