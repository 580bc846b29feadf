"""Which image shows whom: from a folder a person, a manifest, or prepared data.

Each function returns a table with a row an image: its `number` among the images, `path` (relative
to where they come from), `subject`, and `split`, which may be missing; and the images.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from keras_dldl.data.records.reading import ImageFiles, Records
from keras_dldl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from keras_dldl.data.prepared import PreparedData

COLUMNS = ["number", "path", "subject", "split"]


def from_folders(root: str | os.PathLike) -> tuple["pd.DataFrame", ImageFiles]:
    """Return the images below `root`, the subject being the first folder on the way to each.

    Raises:
        DataError: there is no such folder, or no image in folders in it.
    """
    import pandas as pd

    from keras_dldl.data.sources.rows import image_names

    root = Path(os.path.abspath(root))
    names = [name for name in image_names(root, "a folder a person, with images") if "/" in name]
    if not names:
        raise DataError(
            f"Images must lie in a folder for each person: anna/1.jpg. Received: {root}, whose "
            "images lie in no folder"
        )
    rows = [(k, name, name.split("/")[0], None) for k, name in enumerate(names)]
    return pd.DataFrame(rows, columns=COLUMNS), ImageFiles([root / name for name in names])


def from_manifest(
    manifest: str | os.PathLike, root: str | os.PathLike | None
) -> tuple["pd.DataFrame", ImageFiles]:
    """Return the images of a manifest with the columns `path`, `subject` and maybe `split`.

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
    if "split" not in table:
        table["split"] = None
    files = ImageFiles([folder / path for path in table["path"]])
    return table.assign(number=range(len(table)))[COLUMNS].reset_index(drop=True), files


def from_prepared(data: "PreparedData") -> tuple["pd.DataFrame", Records]:
    """Return the faces of prepared folders. People of different folders are different people.

    Raises:
        DataError: a folder has no column `subject`, or a row has none.
    """
    import pandas as pd

    parts = []
    for folder in data.folders:
        rows = folder.rows()
        if "subject" not in rows or rows["subject"].isna().any():
            raise DataError(
                "To learn identities every face needs a `subject`, a column of the manifest. "
                f"Received: {folder.path}, where it is missing or has empty cells"
            )
        start = f"{folder.path.name}/" if len(data.folders) > 1 else ""
        parts.append(
            rows.assign(path=start + rows["path"], subject=start + rows["subject"].astype(str))
        )
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(number=range(len(rows)))[COLUMNS], data.records()
