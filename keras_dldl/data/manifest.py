"""`manifest.csv`: a row a face, with path, label and whatever else a data set says of it."""

import math
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from keras_dldl._utils import files
from keras_dldl._utils.on_disk import as_on_disk, composed
from keras_dldl.data.annotations.reading import fail_on, numbers_in, table_rows
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = ("path", "label")
KNOWN = ("path", "label", "sigma", "split", "subject")
TEXT = ("path", "subject", "split")
SPLITS = ("train", "val", "test")
TWICE = "path occurs twice"
# What a manifest cannot hold: it would be read as `/`, or as a sign that the file is not text.
UNWRITABLE = re.compile(r"[\\\x00-\x1f]")
EMPTY_OR_DOT = re.compile(r"(^|/)\.?(/|$)")  # a part of a path that says nothing


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be right: its index in the table, its path, why, and the split it names."""

    index: int
    path: str
    reason: str
    split: str | None = None


def read_manifest(path: str | os.PathLike, grid: LabelGrid | None = None) -> "pd.DataFrame":
    """Read a manifest and check every row.

    Args:
        path: a table, see `read_table`, with the columns `path` (relative to the data set's root),
            `label`, optionally `sigma`, `split` (train, val, test), `subject`, and any others.
        grid: where given, labels must lie on its range.

    Returns:
        A frame with `path` str, `label` float64, `sigma` float64 where present, the rest as text
        or numbers. Only an empty cell is a missing value: NA is a text like any other. The index
        is made for `line_number`, so it has gaps where the file has blank lines.

    Raises:
        DataError: the file cannot be read, a column is missing, or rows are bad; names the lines.

    >>> read_manifest("data/mine/manifest.csv", LabelGrid.age())[["split", "path"]].iloc[0].tolist()
    ['train', 'train/000.jpg']
    """
    too_long: dict[int, str] = {}
    table = read_table(path, too_long=too_long)
    _refuse(path, too_long | row_problems(table, grid))
    return typed(table)


def read_table(
    path: str | os.PathLike,
    required: Sequence[str] = REQUIRED,
    too_long: dict[int, str] | None = None,
) -> "pd.DataFrame":
    """Read a table as text, checking only that it is one and has the required columns.

    Args:
        path: text in UTF-8, UTF-16, Windows-1252 or Latin-1, divided by commas, semicolons or
            tabs, or an Excel file (.xlsx).
        required: the columns it must have. Upper and lower case are the same in their names, and
            in those of the other columns of a manifest.
        too_long: takes what is wrong with each row that has more fields than the header, as
            `row_problems` gives it; they are then not in the frame. Default: they are an error.

    Returns:
        A frame of text with missing values for empty cells, its paths with `/`; its index is made
        for `line_number`.

    Raises:
        DataError: the file cannot be read, a column is missing or there twice, or a row has more
            fields than the header.
    """
    import pandas as pd

    columns, rows = table_rows(path, required, {*KNOWN, *required})
    long = {} if too_long is None else too_long
    index: list[int] = []
    cells: list[list[str | float]] = []
    for line, row in rows:
        i = line - line_number(0)
        if len(row) > len(columns):
            long[i] = f"{len(row)} fields where the header has {len(columns)}"
            if any(a.isdigit() and b.isdigit() for a, b in pairwise(row)):
                why = "decimal commas need quotes, or semicolons between the fields"
                long[i] += f" ({why}): {','.join(row)!r}"
            continue
        index.append(i)
        cells.append([cell or math.nan for cell in row] + [math.nan] * (len(columns) - len(row)))
    if too_long is None:
        _refuse(path, long)
    table = pd.DataFrame(cells, index=index, columns=columns)
    table["path"] = table["path"].map(_plain, na_action="ignore")
    return table


def row_problems(table: "pd.DataFrame", grid: LabelGrid | None = None) -> dict[int, str]:
    """Return what is wrong with each bad row: index in `table` -> reason (first fault only)."""
    labels = numbers_in(table["label"])
    problems: dict[int, str] = {}

    def note(mask, reason: Callable[[int], str]) -> None:
        for i in table.index[mask.to_numpy(bool)]:
            problems.setdefault(i, reason(i))

    note(table["path"].isna(), lambda i: "path is empty")
    paths = table["path"].fillna("")
    note(paths.map(_leaves_root), lambda i: f"path leaves the root: {paths[i]!r}")
    unwritable = paths.map(lambda path: UNWRITABLE.search(path) is not None)
    note(unwritable, lambda i: f"path has a backslash or a control character: {paths[i]!r}")
    note(table["label"].isna(), lambda i: "label is not a number: it is empty")
    note(labels.isna(), lambda i: f"label is not a number: {table['label'][i]!r}")
    if grid is not None:
        outside = ~labels.between(grid.start, grid.stop)
        note(
            outside, lambda i: f"label {labels[i]:g} is off the grid {grid.start:g}...{grid.stop:g}"
        )
    if "sigma" in table:
        sigma = numbers_in(table["sigma"])
        bad = table["sigma"].notna() & ~(sigma >= 0)
        note(bad, lambda i: f"sigma must be a number >= 0 or empty: {table['sigma'][i]!r}")
    if "split" in table:
        bad = ~(table["split"].isin(SPLITS) | table["split"].isna())
        note(bad, lambda i: f"split must be one of {', '.join(SPLITS)}: {table['split'][i]!r}")
    # Of rows that are right otherwise: the first of them counts, whatever stands before it.
    names = paths.map(composed).drop(index=list(problems))
    for i in names.index[names.duplicated()]:
        problems[i] = f"{TWICE}: {paths[i]!r}"
    return problems


def usable_rows(
    path: str | os.PathLike, root: str | os.PathLike, grid: LabelGrid | None = None
) -> tuple["pd.DataFrame", list[BadRow]]:
    """Read a table of the user's own, without the rows that cannot be right.

    Args:
        path: the table, see `read_table`.
        root: the folder of the images; an absolute path that lies in it is made relative to it.
        grid: where given, labels must lie on its range.

    Returns:
        A frame as of `read_manifest`, and the rows left out, in their order. Of rows with one path
        the first that is right stays.

    Raises:
        DataError: see `read_table`.
    """
    too_long: dict[int, str] = {}
    table = read_table(path, too_long=too_long)
    table["path"] = _below(table["path"], root)
    problems = row_problems(table, grid)
    paths = table["path"].fillna("").to_dict()
    splits = table["split"].dropna().to_dict() if "split" in table else {}
    kept = table["path"].drop(index=list(problems)).map(composed)
    first = dict(zip(kept, kept.index, strict=True))
    for i in [i for i, reason in problems.items() if reason.startswith(TWICE)]:
        problems[i] += f"; line {line_number(first[composed(paths[i])])} is kept"
    bad = [
        BadRow(i, paths.get(i, Path(path).name), reason, splits.get(i))
        for i, reason in sorted((problems | too_long).items())
    ]
    return typed(table.drop(index=list(problems))), bad


def line_number(index: int) -> int:
    """Return the line of the CSV file on which the row with this `index` in its table begins."""
    return index + 2


def write_manifest(table: "pd.DataFrame", path: str | os.PathLike) -> None:
    """Write `table` as a manifest, the known columns first, atomically.

    >>> table = read_manifest("data/mine/manifest.csv")
    >>> write_manifest(table[table["label"] >= 18], "adults.csv")
    """
    first = [name for name in KNOWN if name in table.columns]
    rest = [name for name in table.columns if name not in first]
    files.write_table(path, table[first + rest])


def _below(paths: "pd.Series", root: str | os.PathLike) -> "pd.Series":
    """Return absolute paths that lie in `root` as relative to it, the others as they are."""
    roots = dict.fromkeys([os.path.abspath(root), os.path.realpath(root)])

    def below(path: str) -> str:
        if not os.path.isabs(path):
            return path
        given = os.path.normpath(as_on_disk(path))
        for place in roots:
            for whole in (given, os.path.realpath(given)):
                with suppress(ValueError):  # on another drive
                    relative = Path(whole).relative_to(place).as_posix()
                    if relative != ".":
                        return relative
        return path

    return paths.map(below, na_action="ignore")


def _plain(path: str) -> str:
    r"""Return the shortest spelling of a path, so that one image has one name.

    >>> _plain("./a//b.jpg"), _plain("a\\b.jpg")
    ('a/b.jpg', 'a/b.jpg')
    """
    path = path.replace("\\", "/")
    # Asked first, since a path object takes ten times as long, and rows are many.
    return str(PurePosixPath(path)) if EMPTY_OR_DOT.search(path) else path


def _leaves_root(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/"))
    return parts.is_absolute() or ".." in parts.parts or Path(path).is_absolute()


def _refuse(path: str | os.PathLike, problems: dict[int, str]) -> None:
    fail_on([(line_number(i), why) for i, why in sorted(problems.items())], path)


def typed(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table of text, without bad rows, with numbers in the columns that hold numbers."""
    import pandas as pd

    def column(values: "pd.Series") -> "pd.Series":
        if values.name in ("label", "sigma"):
            return numbers_in(values)
        if values.name in TEXT:
            return values
        numbers = pd.to_numeric(values, errors="coerce")
        return numbers if (numbers.notna() | values.isna()).all() else values

    return pd.DataFrame({name: column(table[name]) for name in table}, index=table.index)
