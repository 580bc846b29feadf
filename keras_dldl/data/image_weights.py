"""How much each training image counts: what `check` proposes, or a table of one's own."""

import os
from typing import TYPE_CHECKING

import numpy as np

from keras_dldl._utils.arguments import first_few
from keras_dldl.data.annotations.reading import numbers_in
from keras_dldl.data.manifest import line_number, read_table
from keras_dldl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from keras_dldl.data.prepared import PreparedData

COLUMNS = ("path", "weight")
FOLDER = "folder"
SHOWN = 10


def read_image_weights(path: str | os.PathLike, data: "PreparedData") -> np.ndarray:
    """Return the weight of each training image, 1 for those that the table does not name.

    Args:
        path: a table, see `data.manifest.read_table`, with the columns `path`, as manifests have
            it, and `weight`, 0 or more: how often an image comes in comparison with the others, 0:
            never. An optional column `folder`, the name of a prepared folder, says which image is
            meant where several folders use one path. Other columns are not read; images of other
            splits have no effect.
        data: the prepared data.

    Returns:
        (N,) float64, in the order of `data.rows("train")`.

    Raises:
        DataError: the file cannot be read, lacks a column, has a weight that is none or an image
            twice, names no image of the data, or leaves no training image.
    """
    table = read_table(path, COLUMNS)
    weights = numbers_in(table["weight"])
    bad = ~(weights >= 0)
    if bad.any():
        raise DataError(
            "Weights of images must be numbers, 0 or more. "
            f"Received: {path}: {_listing(table['weight'][bad])}"
        )
    columns = [FOLDER, "path"] if FOLDER in table.columns else ["path"]
    again = table.duplicated(columns)
    if again.any():
        raise DataError(
            "An image may have one weight. "
            f"Received twice: {path}: {_listing(table['path'][again])}"
        )
    given = dict(zip(_keys(table, columns), weights, strict=True))
    folders = [folder.name for folder in data.folders for _ in range(len(folder.rows("train")))]
    keys = _keys(data.rows("train").assign(**{FOLDER: folders}), columns)
    if given and given.keys().isdisjoint(keys):
        raise DataError(
            "Weights must be of images of the training split, by their paths in manifest.csv. "
            f"Received: {path}, whose {len(given)} images are not there, such as "
            f"{'/'.join(next(iter(given)))!r}"
        )
    found = np.array([given.get(key, 1.0) for key in keys])
    if not found.any():
        raise DataError(
            "Some training image must have a weight above 0. "
            f"Received: {path}, which leaves out all {len(found)}"
        )
    return found


def _keys(rows: "pd.DataFrame", columns: list[str]) -> list[tuple[str, ...]]:
    return list(zip(*(rows[name] for name in columns), strict=True))


def _listing(values: "pd.Series") -> str:
    shown = [f"{value!r} in line {line_number(index)}" for index, value in values.items()]
    return first_few(shown, SHOWN)
