"""What a data set source is: it reads a published layout and returns rows."""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
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
        table: columns as in `manifest.csv`; `path` relative to the root. A column `landmarks` may
            hold, for some images, the ten numbers of `data.given_landmarks`.
        skipped: what was left out, with a reason each.
    """

    table: "pd.DataFrame"
    skipped: list[Skipped] = field(default_factory=list)

    @classmethod
    def from_dicts(
        cls, rows: Iterable[dict[str, Any]], skipped: Iterable[Skipped] = ()
    ) -> "SourceRows":
        """Make rows from one dictionary a face; what no row knows is no column."""
        import pandas as pd

        table = pd.DataFrame(list(rows)).dropna(axis="columns", how="all")
        return cls(table, list(skipped))


class Source:
    """Reads one data set. Subclasses set the class attributes and write `read`.

    Attributes:
        name: the word after `keras-dldl prepare`.
        summary: one line for the list of sources.
        options: names of the constructor's arguments, which are options of `prepare` of the same
            name. All have defaults.
        draws_root: whether `read` makes the images itself, so that the root is this package's.
    """

    name = ""
    summary = ""
    options: tuple[str, ...] = ()
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


def rows_by_name(
    root: Path,
    pattern: re.Pattern,
    form: str,
    row_of: Callable[[re.Match, Path], dict[str, Any]],
) -> SourceRows:
    """Return a row for every image below `root` whose name says what the data set knows of it.

    Args:
        root: the data set's folder.
        pattern: what a name must match.
        form: the names' form, in words.
        row_of: makes the row, without its `path`, from the match and the image's path.

    Returns:
        The rows, with `path` first; images of other names are in `skipped`.

    Raises:
        DataError: no such folder, no image in it, or none with such a name.
    """
    rows, skipped = [], []
    for path in images_below(root, f"images named {form}"):
        relative = path.relative_to(root).as_posix()
        match = pattern.match(path.name)
        if match is None:
            skipped.append(Skipped(relative, f"name is not {form}"))
        else:
            rows.append({"path": relative, **row_of(match, path)})
    if not rows:
        raise DataError(
            f"No image is named {form}. Received: {root} with {len(skipped):,} images, "
            f"such as {', '.join(item.path for item in skipped[:3])}"
        )
    if len(skipped) > len(rows):
        log.warning(
            "Only %d of %d images are named %s; is this the right data set?",
            len(rows), len(rows) + len(skipped), form,
        )  # fmt: skip
    return SourceRows.from_dicts(rows, skipped)


def check_folder(root: Path, wanted: str) -> None:
    """Raise a DataError unless `root` is a folder."""
    if not root.is_dir():
        state = "a file" if root.exists() else "nothing there"
        raise DataError(f"`--root` must be a folder with {wanted}. Received: {root} ({state})")
