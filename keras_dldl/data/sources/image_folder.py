"""Any images, in folders named by their label."""

from pathlib import Path

from keras_dldl.data.sources.base import Source, SourceRows, check_folder, image_names
from keras_dldl.data.sources.checking import Rows
from keras_dldl.labels import LabelGrid, grid_named

SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


class ImageFolder(Source):
    """Images in folders named by their label: `25/a.jpg`, `3.5/b.jpg`.

    Where the folders of labels lie in folders named train, val (or valid, validation) and test,
    those are the splits; else splits are drawn by image. Images in folders whose name is not a
    number on the grid are skipped. Your images, your terms.

    Args:
        grid: the grid the labels must lie on: "age", "scut-fbp", "cfd", or a `LabelGrid`.
    """

    name = "image-folder"
    summary = "any images, in folders named by their label: 25/a.jpg, train/25/a.jpg"
    licence = "your own images"
    options = ("grid",)

    def __init__(self, grid: LabelGrid | str = "age"):
        self._grid = grid_named(grid) if isinstance(grid, str) else grid

    def grid(self) -> LabelGrid:
        """Return the grid given."""
        return self._grid

    def read(self, root: Path) -> SourceRows:
        """Return a row an image, with `split` where the folders tell it."""
        wanted = "folders named by a label, with images in them, such as 25/a.jpg"
        check_folder(root, wanted)
        paths = image_names(root, wanted)
        labels = [path.split("/")[-2] if "/" in path else "" for path in paths]
        columns = {"path": paths, "label": 0.0}
        splits = [SPLITS.get(path.split("/")[0].lower()) for path in paths]
        if any(splits):
            columns["split"] = splits
        rows = Rows(columns, root)
        rows.note([not label for label in labels], "not in a folder named by its label")
        rows.read_numbers("label", labels, "folder name")
        return rows.result()
