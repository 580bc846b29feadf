"""The faces of prepared data as image files, to look at or for other programs."""

import os
from pathlib import Path

from keras_dldl import files
from keras_dldl.data.prepared import PreparedFolder
from keras_dldl.errors import DataError
from keras_dldl.progress import progress


def extract(path: str | os.PathLike, out: str | os.PathLike, split: str | None = None) -> int:
    """Write the faces of a folder as image files, each under its path in the manifest.

    Every file is a JPEG file, whatever the name that its photo has.

    Args:
        path: prepared data.
        out: the folder to write; files of these names in it are replaced.
        split: only the faces of this split.

    Returns:
        The number of files.

    Raises:
        DataError: the folder is not prepared data, has no such faces, or is damaged.
        OSError: `out` cannot be written.
    """
    folder = PreparedFolder.open(path)
    splits = [] if split is None else [split]
    names, records = iter(folder.rows(*splits)["path"]), folder.records(*splits)
    if not len(records):
        raise DataError(f"There must be faces to write. Received: {path} with none of {split}")
    with progress(total=len(records), label="writing images") as bar:
        for part in records.parts():
            for face in part:
                files.write_bytes(Path(out) / next(names), face)
            bar.update(len(part))
    return len(records)
