"""Which image shows whom: from a folder a person, a manifest, or prepared data."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_dldl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from keras_dldl.data.prepared import PreparedFolder

COLUMNS = ("file", "path", "subject", "split")


def from_folders(root: str | os.PathLike) -> "pd.DataFrame":
    """Return a row an image below `root`, the subject being the first folder on its way.

    Returns:
        Columns `file` (where it lies), `path` (relative to `root`), `subject`, `split` (missing).

    Raises:
        DataError: there is no such folder, or no image in folders in it.
    """
    import pandas as pd

    from keras_dldl.data.sources.base import image_names

    root = Path(os.path.abspath(root))
    names = [name for name in image_names(root, "a folder a person, with images") if "/" in name]
    if not names:
        raise DataError(
            f"Images must lie in a folder for each person: anna/1.jpg. Received: {root}, whose "
            "images lie in no folder"
        )
    rows = [(str(root / name), name, name.split("/")[0], None) for name in names]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def from_manifest(manifest: str | os.PathLike, root: str | os.PathLike | None) -> "pd.DataFrame":
    """Return a row an image of a manifest with the columns `path`, `subject` and maybe `split`.

    Args:
        manifest: a CSV file.
        root: the folder that its paths are relative to; None is the manifest's own.

    Raises:
        DataError: the file cannot be read or lacks a column, or a row lacks path or subject.
    """
    from keras_dldl.data.manifest import line_number, read_table

    table = read_table(manifest, required=("path", "subject"))
    bad = table[table["path"].isna() | table["subject"].isna()]
    if len(bad):
        lines = ", ".join(str(line_number(index)) for index in bad.index[:10])
        raise DataError(
            f"Every row must have a path and a subject. Received: {os.fspath(manifest)} with "
            f"{len(bad)} rows that lack one: line {lines}"
        )
    folder = Path(os.path.abspath(root if root is not None else Path(manifest).parent))
    table = table.assign(file=[str(folder / path) for path in table["path"]])
    if "split" not in table:
        table["split"] = None
    return table[list(COLUMNS)].reset_index(drop=True)


def from_prepared(folders: Sequence["PreparedFolder"]) -> "pd.DataFrame":
    """Return a row a face of prepared folders, which must have been written with their crops.

    People of different folders are different people.

    Raises:
        DataError: a folder has no column `subject`, a row has none, or the crops are missing.
    """
    import pandas as pd

    parts = []
    for folder in folders:
        rows = folder.manifest
        if "subject" not in rows or rows["subject"].isna().any():
            raise DataError(
                "To learn identities every face needs a `subject`, a column of the manifest. "
                f"Received: {folder.path}, where it is missing or has empty cells"
            )
        crops = folder.path / "crops"
        if not crops.is_dir():
            raise DataError(
                "Identities are learnt from the faces under crops/, which `keras-dldl prepare` "
                f"writes unless told not to. Received: {folder.path}, which has none"
            )
        start = f"{folder.path.name}/" if len(folders) > 1 else ""
        rows = rows.assign(
            file=[str(crops / path) for path in rows["path"]],
            path=start + rows["path"],
            subject=start + rows["subject"].astype(str),
        )
        parts.append(rows[list(COLUMNS)])
    return pd.concat(parts, ignore_index=True)
