"""Any images: described by a CSV file in the form of a manifest, or in folders named by label."""

import re
from pathlib import Path
from typing import Any

from keras_dldl._utils.photos import is_hidden_picture, is_picture
from keras_dldl.data.manifest import line_number, usable_rows
from keras_dldl.data.sources.base import Skipped, Source, SourceRows, in_words
from keras_dldl.data.sources.rows import as_utf8, check_folder, files_below, rows_by_name
from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid, grid_named

NAME = re.compile(r"^(\d+(?:\.\d+)?)/[^/]+$")
SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


class OwnImages(Source):
    """Images of the user's own.

    Args:
        grid: the grid the labels must lie on: "age", "scut-fbp", "cfd", or a `LabelGrid`.
    """

    licence = "your own images"
    options = ("grid",)

    def __init__(self, grid: LabelGrid | str = "age"):
        self._grid = grid_named(grid) if isinstance(grid, str) else grid

    def grid(self) -> LabelGrid:
        """Return the grid given."""
        return self._grid


class CsvSource(OwnImages):
    """Images below a root, listed in a table with the columns `path` and `label`.

    The table is text in UTF-8, UTF-16, Windows-1252 or Latin-1, divided by commas, semicolons or
    tabs, with decimal points or decimal commas; or an Excel file. Rows that cannot be right are
    left out.

    Optional columns: `sigma` (the annotators' standard deviation), `split` (train, val, test),
    `subject` (an identity; one subject never stands in two parts), `landmarks` (x1 y1 ... x5 y5,
    see `data.given_landmarks`), any others (kept for groups).

    Args:
        csv: the file; default: the only `.csv` file in the root.
        grid: the grid the labels must lie on: "age", "scut-fbp", "cfd", or a `LabelGrid`.
    """

    name = "csv"
    summary = "any images, with a CSV file of path,label[,sigma,split,subject,...]"
    options = ("csv", "grid")

    def __init__(self, csv: str | Path | None = None, grid: LabelGrid | str = "age"):
        super().__init__(grid)
        self.csv = csv

    def read(self, root: Path) -> SourceRows:
        """Return the rows of the table that can be right."""
        check_folder(root, "the images that the CSV file names")
        tables = [Path(self.csv)] if self.csv else sorted(root.glob("*.csv"))
        if len(tables) != 1:
            raise DataError(
                "Name the CSV file with --csv, or keep exactly one in the root. "
                f"Received: {', '.join(path.name for path in tables) or 'none'} in {root}"
            )
        (path,) = tables
        table, bad = usable_rows(path, root, self._grid)
        skipped = [Skipped(row.path, f"line {line_number(row.index)}: {row.reason}") for row in bad]
        if table.empty:
            raise DataError(
                f"{path}: no usable row. Each needs a path, and a label on the grid, which --grid "
                f"names. Received: {in_words(skipped)}"
            )
        return SourceRows(table.reset_index(drop=True), skipped)


class ImageFolder(OwnImages):
    """Images in folders named by their label: `25/a.jpg`, `3.5/b.jpg`.

    Where the folders of labels lie in folders named train, val (or valid, validation) and test,
    those are the splits; else splits are drawn by image. Images in folders whose name is not a
    number on the grid, and files in the others that do not end like pictures or are hidden, are
    skipped. Your images, your terms.

    Args:
        grid: the grid the labels must lie on: "age", "scut-fbp", "cfd", or a `LabelGrid`.
    """

    name = "image-folder"
    summary = "any images, in folders named by their label: 25/a.jpg, train/25/a.jpg"

    def read(self, root: Path) -> SourceRows:
        """Return a row an image, with `split` where the folders tell it."""

        def row(match: re.Match, path: Path) -> dict[str, Any]:
            first = path.relative_to(root).parts[0]
            return {"label": float(match[1]), "split": SPLITS.get(first.lower())}

        rows = rows_by_name(root, NAME, "<label>/<image>, such as 25/a.jpg", row, parts=2)
        rows.skipped += [
            Skipped(as_utf8(path), "name does not end like a picture's")
            for path in files_below(root)
            if NAME.match("/".join(path.split("/")[-2:])) and not is_picture(path)
        ]
        hidden = files_below(root, is_hidden_picture)
        rows.skipped += [Skipped(as_utf8(path), "file is hidden") for path in hidden]
        return rows
