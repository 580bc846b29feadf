"""Annotation files as data sets publish them: lines, tables with a header, numbers."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keras_dldl.data.annotations.sheets import Row, read_rows
from keras_dldl.errors import DataError
from keras_dldl.text_files import lines_of, read_text

if TYPE_CHECKING:
    import pandas as pd


def read_lines(path: str | os.PathLike) -> list[tuple[int, str]]:
    """Return the number, from 1, and the text of every line that is not blank."""
    stripped = ((k, line.strip()) for k, line in enumerate(lines_of(read_text(path)), start=1))
    return [(number, line) for number, line in stripped if line]


def numbers_in(texts: "Sequence[str] | pd.Series") -> "pd.Series":
    """Return float64 numbers, NaN in the place of what is not one, or not finite.

    Args:
        texts: numbers as people write them, with a decimal point or a decimal comma.

    >>> numbers_in(["34.5", "34,5", "old"]).tolist()
    [34.5, 34.5, nan]
    """
    import numpy as np
    import pandas as pd

    points = pd.Series(texts, dtype=object).map(
        lambda text: text.replace(",", ".") if isinstance(text, str) else text
    )
    numbers = pd.to_numeric(points, errors="coerce").astype("float64")
    return numbers.where(np.isfinite(numbers))


@dataclass(frozen=True)
class TextTable:
    """A table as text, column by column.

    Args:
        path: the file it was read from.
        columns: the cells of each column, without blanks around them, by its name in lower case.
        lines: the line of the file on which each row begins.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]

    def __getitem__(self, name: str) -> list[str]:
        """Return the cells of the column `name`."""
        return self.columns[name]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lines)

    def get(self, name: str) -> list[str]:
        """Return the cells of the column `name`, empty ones where there is no such column."""
        return self.columns.get(name, [""] * len(self))


def read_table(path: str | os.PathLike, needed: Sequence[str]) -> TextTable:
    """Read a file with a header line, its fields parted by commas, semicolons, tabs or blanks.

    Args:
        path: the file.
        needed: names of columns that must be there, in lower case; how the file writes them does
            not matter.

    Raises:
        DataError: the file cannot be read, a needed column is missing, there is no row, or a row
            has another number of fields than the header; names the line.
    """
    header, rows = table_rows(path, needed)
    lines, cells = [], []
    for line, row in rows:
        if len(row) != len(header):
            raise DataError(
                f"{path}, line {line}: {len(row)} fields where the header has {len(header)}. The "
                f"file must be whole; it may be cut short. Received: {' | '.join(row)[:80]!r}"
            )
        lines.append(line)
        cells.append(row)
    if not cells:
        raise DataError(f"An annotation file must have at least one row. Received: {path}")
    columns = [list(column) for column in zip(*cells, strict=True)]
    return TextTable(Path(path), dict(zip(header, columns, strict=True)), lines)


def table_rows(
    path: str | os.PathLike, needed: Sequence[str], known: Sequence[str] | None = None
) -> tuple[list[str], Iterator[Row]]:
    """Return the names of a table's columns, and its rows with the line on which each begins.

    Args:
        path: the file.
        needed: names of columns that must be there, in lower case.
        known: names of columns that are given in lower case however the file writes them; default:
            all.

    Returns:
        Names, numbered where they are empty; and rows, without empty cells behind the last column.

    Raises:
        DataError: the file cannot be read, or a column is missing or there twice.
    """
    rows = read_rows(Path(path), columns=needed)
    _, first = next(rows, (1, []))
    while first and not first[-1]:  # spreadsheets write empty columns too
        first.pop()
    header = [
        (name.lower() if known is None or name.lower() in known else name) or f"unnamed {k}"
        for k, name in enumerate(first)
    ]
    missing = [name for name in needed if name not in header]
    received = " | ".join(first)[:200] or "an empty file"
    if missing:
        raise DataError(
            f"{path}: column missing: {', '.join(missing)}. The first line must name the columns "
            f"{', '.join(needed)}. Received: {received}"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(
            f"{path}: column there twice: {', '.join(twice)}. Each needs a name of its own. "
            f"Received: {received}"
        )
    return header, ((line, _without_end(row, len(header))) for line, row in rows)


def _without_end(row: list[str], columns: int) -> list[str]:
    while len(row) > columns and not row[-1]:
        row.pop()
    return row
