"""Annotation files as data sets publish them: text in any encoding, any delimiter.

Text is read as UTF-16 where it has that mark or zero bytes, else as UTF-8, else as Latin-1, which
old lists with accented names are in. What then has control characters is not text.
"""

import codecs
import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_dldl.errors import DataError

DELIMITERS = (",", ";", "\t", None)  # None: blanks, any number of them
CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f]")  # not the mark that ends DOS files


def read_text(path: str | os.PathLike) -> str:
    """Return the content of a text file.

    Raises:
        DataError: there is no such file, it cannot be read, or it is not text.
    """
    content = read_bytes(path)
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not CONTROL.search(text):
            return text
    raise DataError(
        "An annotation file must be text in UTF-8, UTF-16 or Latin-1. "
        f"Received: {path}, which is a binary file"
    )


def read_bytes(path: str | os.PathLike) -> bytes:
    """Return the content of a file.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DataError(
            f"An annotation file must be there and readable. Received: {path} ({error.strerror})"
        ) from error


def _encodings(content: bytes) -> tuple[str, ...]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    if b"\0" in content:  # the high bytes of Latin letters, before or after the low ones
        return ("utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be",)
    return ("utf-8-sig", "latin-1")


def read_lines(path: str | os.PathLike) -> list[tuple[int, str]]:
    """Return the number, from 1, and the text of every line that is not blank."""
    # Not splitlines(): that ends lines at rare characters too, and the numbers would be wrong.
    lines = io.StringIO(read_text(path), newline=None)
    stripped = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    return [(number, line) for number, line in stripped if line]


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
    rows = _rows(Path(path), needed)
    _, header = next(rows)
    lines, cells = [], []
    for line, row in rows:
        while len(row) > len(header) and not row[-1]:
            row.pop()
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


def _rows(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the line of each row and its fields; the header, in lower case, is the first."""
    text = read_text(path)
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    delimiter, header = _header(path, first, needed)
    before, seen_header = 0, False
    source = io.StringIO(text, newline="")
    reader = None if delimiter is None else csv.reader(source, delimiter=delimiter, strict=True)
    rows = reader if reader is not None else (line.split() for line in io.StringIO(text))
    try:
        for count, row in enumerate(rows, start=1):
            begin, before = before + 1, reader.line_num if reader is not None else count
            if not "".join(row).strip():
                continue
            yield begin, [cell.strip() for cell in row] if seen_header else header
            seen_header = True
    except csv.Error as error:
        raise DataError(
            f"{path}, line {before + 1}: not a row of a table; the file may be cut short. "
            f"Received: {error}"
        ) from error


def _header(path: Path, first: str, needed: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the delimiter under which the first line has the needed columns, and its names."""
    best: list[str] = []
    for delimiter in DELIMITERS:
        row = first.split() if delimiter is None else next(csv.reader([first], delimiter=delimiter))
        names = [name.strip().lower() for name in row]
        if set(needed) <= set(names):
            return delimiter, _without_doubles(path, names)
        best = max(best, names, key=len)
    missing = ", ".join(name for name in needed if name not in best)
    raise DataError(
        f"{path}: column missing: {missing}. The first line must name the columns "
        f"{', '.join(needed)}. Received: {' | '.join(best)[:200] or 'an empty file'}"
    )


def _without_doubles(path: Path, names: list[str]) -> list[str]:
    """Return the names, numbered where they are empty, since then they say nothing."""
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise DataError(
            f"{path}: column there twice: {', '.join(twice)}. Each needs a name of its own. "
            f"Received: {' | '.join(names)[:200]}"
        )
    return [name or f"unnamed {k}" for k, name in enumerate(names)]
