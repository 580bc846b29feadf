"""Any images, in folders named by their label."""

import re
from pathlib import Path
from typing import Any

from keras_dldl._utils.photos import is_picture
from keras_dldl.data.annotations.folders import as_utf8, files_below
from keras_dldl.data.sources.base import Skipped, SourceRows
from keras_dldl.data.sources.csv_file import OwnImages
from keras_dldl.data.sources.rows import rows_by_name

NAME = re.compile(r"^(\d+(?:\.\d+)?)/[^/]+$")
SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


class ImageFolder(OwnImages):
    """Images in folders named by their label: `25/a.jpg`, `3.5/b.jpg`.

    Where the folders of labels lie in folders named train, val (or valid, validation) and test,
    those are the splits; else splits are drawn by image. Images in folders whose name is not a
    number on the grid, and files in the others that do not end like pictures, are skipped. Your
    images, your terms.

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
        return rows
