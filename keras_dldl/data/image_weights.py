"""How much each training image counts: what `check` proposes, or a table of one's own."""

import os
from typing import TYPE_CHECKING

import numpy as np

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
    weights = _numbers(path, table)
    columns = [FOLDER, "path"] if FOLDER in table.columns else ["path"]
    places = _places(table, columns)
    _check_once(path, table, places)
    given = dict(zip(places, weights, strict=True))
    keys = _places(data.rows("train").assign(**{FOLDER: _folders_of(data)}), columns)
    found = np.array([given.get(key, 1.0) for key in keys])
    _check_use(path, given, keys, found)
    return found


def _folders_of(data: "PreparedData") -> list[str]:
    return [folder.name for folder in data.folders for _ in range(len(folder.rows("train")))]


def _places(rows: "pd.DataFrame", columns: list[str]) -> list[tuple[str, ...]]:
    return list(zip(*(rows[name] for name in columns), strict=True))


def _numbers(path: str | os.PathLike, table: "pd.DataFrame") -> np.ndarray:
    weights = numbers_in(table["weight"])
    bad = table[~(weights >= 0)]
    if len(bad):
        raise DataError(
            "Weights of images must be numbers, 0 or more. Received: "
            + _listing(path, bad, bad["weight"])
        )
    return weights.to_numpy(np.float64)


def _check_once(path: str | os.PathLike, table: "pd.DataFrame", places: list) -> None:
    import pandas as pd

    again = table[pd.Series(places, index=table.index).duplicated()]
    if len(again):
        raise DataError(
            "An image may have one weight. Received twice: " + _listing(path, again, again["path"])
        )


def _check_use(path: str | os.PathLike, given: dict, keys: list, found: np.ndarray) -> None:
    if given and given.keys().isdisjoint(keys):
        raise DataError(
            "Weights must be of images of the training split, by their paths in manifest.csv. "
            f"Received: {path}, whose {len(given)} images are not there, such as "
            f"{'/'.join(next(iter(given)))!r}"
        )
    if not found.any():
        raise DataError(
            "Some training image must have a weight above 0. "
            f"Received: {path}, which leaves out all {len(found)}"
        )


def _listing(path: str | os.PathLike, rows: "pd.DataFrame", values: "pd.Series") -> str:
    shown = ", ".join(
        f"{value!r} in line {line_number(index)}" for index, value in values[:SHOWN].items()
    )
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return f"{path}: {shown}{more}"
