"""What a data set source is: it reads a published layout and returns rows."""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl.data.annotations.folders import as_utf8, files_below, not_here
from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid
from keras_dldl.photos import is_picture

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Skipped:
    """A file or row that was left out, and why.

    Args:
        path: of the image, relative to the root.
        reason: the kind of fault, and after a colon what is particular to this row: rows are
            counted by kind, see `skipped.kinds_of`. May begin with `line <number>: `.
    """

    path: str
    reason: str


@dataclass
class SourceRows:
    """What a source found: the rows of a manifest, and what it left out.

    Args:
        table: columns as in `manifest.csv`; `path` relative to the root. A column `landmarks` may
            hold, for some images, the ten numbers of `data.given_landmarks`.
        skipped: what was left out, with a reason each.

    Raises:
        DataError: there are no rows, or no column `path` or `label`.
    """

    table: "pd.DataFrame"
    skipped: list[Skipped] = field(default_factory=list)

    def __post_init__(self):
        if self.table.empty or not {"path", "label"} <= set(self.table.columns):
            raise DataError(
                "A source must return at least one row, with the columns path and label. Received: "
                f"{len(self.table)} rows with the columns {', '.join(self.table.columns) or 'none'}"
            )

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
        summary: one line for the list of sources. What the data are, and who made them, says the
            first line of the source's module.
        licence: the terms of use in a few words; what the data set itself says holds.
        options: names of the constructor's arguments, which are options of `prepare` of the same
            name. All have defaults.
        draws_root: whether `read` makes the images itself, so that the root is this package's.
    """

    name = ""
    summary = ""
    licence = ""
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
        DataError: no such folder, no image in it, or a folder in it that cannot be read.
    """
    return [root / name for name in image_names(root, wanted)]


def image_names(root: Path, wanted: str) -> list[str]:
    """Return the paths of `images_below` relative to `root`, with `/`: faster for large sets."""
    check_folder(root, wanted)
    found = list(filter(is_picture, files_below(root)))
    if not found:
        raise not_here(root, wanted)
    return found


def rows_by_name(
    root: Path,
    pattern: re.Pattern,
    form: str,
    row_of: Callable[[re.Match, Path], dict[str, Any]],
    parts: int = 1,
) -> SourceRows:
    """Return a row for every image below `root` whose name says what the data set knows of it.

    Args:
        root: the data set's folder.
        pattern: what a name must match.
        form: the names' form, in words.
        row_of: makes the row, without its `path`, from the match and the image's path.
        parts: how many last parts of the path make up the name: 2 adds the folder it lies in.

    Returns:
        The rows, with `path` first; images of other names are in `skipped`.

    Raises:
        DataError: no such folder, no image in it, or none with such a name.
    """
    rows, skipped = [], []
    for relative in image_names(root, f"images named {form}"):
        match = pattern.match("/".join(relative.split("/")[-parts:]))
        if as_utf8(relative) != relative:  # neither a CSV file nor a record can hold such a name
            skipped.append(Skipped(as_utf8(relative), "name is not UTF-8"))
        elif match is None:
            skipped.append(Skipped(relative, f"name is not {form}"))
        else:
            rows.append({"path": relative, **row_of(match, root / relative)})
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
