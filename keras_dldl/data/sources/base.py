"""What a data set source is: it reads a published layout and returns rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import pandas as pd

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"})


@dataclass(frozen=True)
class Skipped:
    """A file or row that was left out, and why."""

    path: str
    reason: str


@dataclass
class SourceRows:
    """What a source found: the rows of a manifest, and what it left out.

    Args:
        table: columns as in `manifest.csv`; `path` relative to the root.
        skipped: what was left out, with a reason each.
    """

    table: "pd.DataFrame"
    skipped: list[Skipped] = field(default_factory=list)

    @classmethod
    def from_dicts(
        cls, rows: Iterable[dict[str, Any]], skipped: Iterable[Skipped] = ()
    ) -> "SourceRows":
        """Make rows from one dictionary a face."""
        import pandas as pd

        return cls(pd.DataFrame(list(rows)), list(skipped))


class Source:
    """Reads one data set. Subclasses set the class attributes and write `read`.

    Attributes:
        name: the word after `keras-dldl prepare`.
        summary: one line for the list of sources.
        draws_root: whether `read` makes the images itself, so that the root is this package's.
    """

    name = ""
    summary = ""
    draws_root = False

    def grid(self) -> LabelGrid:
        """Return the label grid on which this data set's labels lie."""
        return LabelGrid.age()

    def read(self, root: Path) -> SourceRows:
        """Return a row for every usable image below `root`.

        Raises:
            DataError: `root` does not hold this data set; says what was looked for and found.
        """
        raise DataError(f"Source {self.name!r} has no reader for {root}")


def images_below(root: Path, wanted: str) -> list[Path]:
    """Return the image files below `root` in name order.

    Args:
        root: the data set's folder.
        wanted: what should be there, for the error message.

    Raises:
        DataError: no such folder, or no image in it.
    """
    check_folder(root, wanted)
    found = sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
    )
    if not found:
        entries = sorted(path.name for path in root.iterdir())[:5]
        raise DataError(
            f"No images in the folder. Looked for: {wanted}. Received: {root} with "
            + (", ".join(entries) if entries else "nothing in it")
        )
    return found


def check_folder(root: Path, wanted: str) -> None:
    """Raise a DataError unless `root` is a folder."""
    if not root.is_dir():
        state = "a file" if root.exists() else "nothing there"
        raise DataError(f"`--root` must be a folder with {wanted}. Received: {root} ({state})")
