"""`manifest.csv`: a row a face, with path, label and whatever else a data set says of it."""

import csv
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from keras_dldl import files
from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = ("path", "label")
KNOWN = ("path", "label", "sigma", "split", "subject")
TEXT = ("path", "subject", "split")
SPLITS = ("train", "val", "test")
SHOWN_PROBLEMS = 10
EMPTY_OR_DOT = re.compile(r"(^|/)\.?(/|$)")  # a part of a path that says nothing


def read_manifest(path: str | os.PathLike, grid: LabelGrid | None = None) -> "pd.DataFrame":
    """Read a manifest and check every row.

    Args:
        path: a CSV file with the columns `path` (relative to the data set's root, with `/`),
            `label`, optionally `sigma`, `split` (train, val, test), `subject`, and any others.
        grid: where given, labels must lie on its range.

    Returns:
        A frame with `path` str, `label` float64, `sigma` float64 where present, the rest as text
        or numbers. Only an empty cell is a missing value: NA is a text like any other. The index
        is made for `line_number`, so it has gaps where the file has blank lines.

    Raises:
        DataError: the file cannot be read, a column is missing, or rows are bad; names the lines.
    """
    table = read_table(path)
    problems = row_problems(table, grid)
    if problems:
        raise DataError(_listing(path, problems))
    return typed(table)


def read_table(path: str | os.PathLike, required: Sequence[str] = REQUIRED) -> "pd.DataFrame":
    """Read the CSV file as text, checking only that it is one and has the required columns.

    Args:
        path: the file.
        required: the columns it must have.

    Returns:
        A frame of text with missing values for empty cells; its index is made for `line_number`.

    Raises:
        DataError: the file cannot be read, a column is missing or there twice, or a row has more
            fields than the header.
    """
    import pandas as pd

    numbered = _lines(path)
    _, header = next(numbered, (1, []))
    columns = [name.strip() or f"Unnamed: {k}" for k, name in enumerate(header)]
    _check_columns(path, columns, required)
    index: list[int] = []
    cells: list[list[str | float]] = []
    too_long: dict[int, str] = {}
    for line, row in numbered:
        index.append(line - line_number(0))
        if len(row) > len(columns):
            too_long[index[-1]] = f"{len(row)} fields where the header has {len(columns)}"
        cells.append([cell or math.nan for cell in row] + [math.nan] * (len(columns) - len(row)))
    if too_long:
        raise DataError(_listing(path, too_long))
    table = pd.DataFrame(cells, index=index, columns=columns)
    table["path"] = table["path"].map(_plain, na_action="ignore")
    return table


def _lines(path: str | os.PathLike) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each row of the file begins, and its fields; blank lines left out."""
    before = 0
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream, strict=True)  # strict: an open quote would swallow the rest
            for row in rows:
                if "".join(row).strip() or len(row) > 1:
                    yield before + 1, row
                before = rows.line_num
    except FileNotFoundError:
        raise DataError(
            f"There is no manifest at this place. Received: {os.fspath(path)}"
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        place = f"line {before + 1}: {error}" if isinstance(error, csv.Error) else error
        raise DataError(
            "A manifest must be a UTF-8 CSV file with a header line. "
            f"Received: {os.fspath(path)} ({place})"
        ) from error


def _check_columns(path: str | os.PathLike, columns: list[str], required: Sequence[str]) -> None:
    if not columns:
        raise DataError(
            "A manifest must be a UTF-8 CSV file with a header line. "
            f"Received: {os.fspath(path)} with nothing in it"
        )
    missing = [name for name in required if name not in columns]
    if missing:
        raise DataError(
            f"{os.fspath(path)}: column missing: {', '.join(missing)}. A manifest needs "
            f"{' and '.join(required)}. "
            f"Received: columns {', '.join(columns)}"
        )
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise DataError(
            f"{os.fspath(path)}: column there twice: {', '.join(twice)}. Each needs a name of its "
            f"own. Received: columns {', '.join(columns)}"
        )


def row_problems(table: "pd.DataFrame", grid: LabelGrid | None = None) -> dict[int, str]:
    """Return what is wrong with each bad row: index in `table` -> reason (first fault only)."""
    labels = _numbers(table["label"])
    problems: dict[int, str] = {}

    def note(mask, reason: Callable[[int], str]) -> None:
        for i in table.index[mask.to_numpy(bool)]:
            problems.setdefault(i, reason(i))

    note(table["path"].isna(), lambda i: "path is empty")
    paths = table["path"].fillna("")
    note(paths.map(_leaves_root), lambda i: f"path leaves the root: {paths[i]!r}")
    note(labels.isna(), lambda i: f"label is not a number: {table['label'][i]!r}")
    if grid is not None:
        outside = ~labels.between(grid.start, grid.stop)
        note(
            outside, lambda i: f"label {labels[i]:g} is off the grid {grid.start:g}...{grid.stop:g}"
        )
    if "sigma" in table:
        sigma = _numbers(table["sigma"])
        bad = table["sigma"].notna() & ~(sigma >= 0)
        note(bad, lambda i: f"sigma must be a number >= 0 or empty: {table['sigma'][i]!r}")
    if "split" in table:
        bad = ~(table["split"].isin(SPLITS) | table["split"].isna())
        note(bad, lambda i: f"split must be one of {', '.join(SPLITS)}: {table['split'][i]!r}")
    note(paths.duplicated(), lambda i: f"path occurs twice: {paths[i]!r}")
    return problems


def line_number(index: int) -> int:
    """Return the line of the CSV file on which the row with this `index` in its table begins."""
    return index + 2


def write_manifest(table: "pd.DataFrame", path: str | os.PathLike) -> None:
    """Write `table` as a manifest, the known columns first, whole or not at all."""
    first = [name for name in KNOWN if name in table.columns]
    rest = [name for name in table.columns if name not in first]
    with files.atomic_path(path) as temporary:
        table[first + rest].to_csv(temporary, index=False, lineterminator="\n")


def _plain(path: str) -> str:
    """Return the shortest spelling of a path, so that one image has one name.

    >>> _plain("./a//b.jpg")
    'a/b.jpg'
    """
    # Asked first, since a path object takes ten times as long, and rows are many.
    return str(PurePosixPath(path)) if EMPTY_OR_DOT.search(path) else path


def _leaves_root(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/"))
    return parts.is_absolute() or ".." in parts.parts or Path(path).is_absolute()


def _listing(path: str | os.PathLike, problems: dict[int, str]) -> str:
    lines = [f"line {line_number(i)}: {why}" for i, why in sorted(problems.items())]
    more = f"; and {len(lines) - SHOWN_PROBLEMS} more" if len(lines) > SHOWN_PROBLEMS else ""
    count = f"{len(lines)} bad row" + ("s" if len(lines) > 1 else "")
    return f"{os.fspath(path)}: {count}: {'; '.join(lines[:SHOWN_PROBLEMS])}{more}"


def typed(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table of text, without bad rows, with numbers in the columns that hold numbers."""
    import pandas as pd

    def column(values: "pd.Series") -> "pd.Series":
        if values.name in ("label", "sigma"):
            return _numbers(values)
        if values.name in TEXT:
            return values
        numbers = pd.to_numeric(values, errors="coerce")
        return numbers if (numbers.notna() | values.isna()).all() else values

    return pd.DataFrame({name: column(table[name]) for name in table}, index=table.index)


def _numbers(values: "pd.Series") -> "pd.Series":
    """Return finite float64 numbers, NaN in the place of anything else."""
    import pandas as pd

    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    return numbers.where(numbers.abs() < math.inf)
