"""Prepared data with another split: other rows of the same faces."""

import hashlib
import os
from pathlib import Path

import pandas as pd

from keras_dldl.data.manifest import SPLITS, read_table
from keras_dldl.data.prepare.output import begin_output, remove_leftovers
from keras_dldl.data.prepared import INDEX_NAME, MANIFEST_NAME, PreparedFolder, write_rows
from keras_dldl.data.splits.protocol import SplitOptions, split_rows, warn_of_empty_splits
from keras_dldl.errors import DataError


def resplit(
    data: str | os.PathLike, out: str | os.PathLike, options: SplitOptions
) -> dict[str, int]:
    """Write the rows of prepared data with another split; the faces stay where they are.

    A killed run continues when it is called again.

    Args:
        data: a folder that `prepare` or `resplit` wrote.
        out: the folder to write: `manifest.csv` and `dataset.json`, which comes last and names the
            folder of the faces, relative to `out`.
        options: how to split; what the data set itself gives is in the manifest's columns
            `official` and `fold`.

    Returns:
        The number of faces in each split.

    Raises:
        DataError: `data` is not prepared data, `out` holds something else, or the split asked for
            is not possible.
        OSError: `out` cannot be written.
    """
    data, out = Path(data).resolve(), Path(out).resolve()
    folder = PreparedFolder.open(data)
    if out == data:
        raise DataError(f"`--out` must be another folder than the data. Received: {out}")
    split = _split(folder.rows(), options)
    content = b"".join((data / name).read_bytes() for name in (MANIFEST_NAME, INDEX_NAME))
    plan = {
        "data": os.fspath(data),
        "options": options.chosen_split(),
        "rows": len(folder.manifest),
        "rows_hash": hashlib.sha256(content).hexdigest()[:16],
    }
    begin_output(out, plan)
    remove_leftovers(out)
    warn_of_empty_splits(split, options)
    # As text: a number would not come back as it was written.
    table = read_table(data / MANIFEST_NAME).assign(split=split.to_numpy())
    faces = _way(out, (data / folder.index["faces"]).resolve())
    facts = {"faces": faces, "split": options.chosen_split()}
    return write_rows(out, table, facts)


def _split(table: pd.DataFrame, options: SplitOptions) -> pd.Series:
    given = table.get("official")
    if options.split == "official" and options.fold is None and options.leave_out is None:
        if given is None or not given.isin(SPLITS).any():
            raise DataError(
                "Official splits must be in the data, in the manifest's column `official`. "
                f"Received: columns {', '.join(table.columns)}"
            )
    return split_rows(table, options, given)


def _way(start: Path, end: Path) -> str:
    """Return the way from one folder to another, relative where that is possible."""
    try:
        return Path(os.path.relpath(end, start)).as_posix()
    except ValueError:  # on Windows: another drive
        return end.as_posix()
