"""Annotation files: lines, JSON lists, tables in text of any encoding or in Excel, numbers, ages.

Every table that a user or a data set hands over is read here.
"""

import csv
import io
import json
import math
import os
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils.arguments import did_you_mean, first_few
from keras_dldl._utils.text_files import lines_of, read_text
from keras_dldl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

EXCEL = frozenset({".xlsx", ".xlsm"})
DELIMITERS = (";", "\t", ",", None)  # None: blanks, any number of them
NAMED_DELIMITER = re.compile(r'"?sep=(.)"?\s*')  # the first line of some of Excel's files
JUDGED_LINES = 20
SHOWN_PROBLEMS = 10
OLDEST = 120  # years; what is above is a slip of the annotation
_SPACE = re.compile(r"\s*")

Row = tuple[int, list[str]]


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
    import pandas as pd

    points = pd.Series(texts, dtype=object).map(
        lambda text: text.replace(",", ".") if isinstance(text, str) else text
    )
    numbers = pd.to_numeric(points, errors="coerce").astype("float64")
    return numbers.where(np.isfinite(numbers))


def read_table(path: str | os.PathLike, needed: Sequence[str]) -> "pd.DataFrame":
    """Read a file with a header line, its fields parted by commas, semicolons, tabs or blanks.

    Args:
        path: the file.
        needed: names of columns that must be there, in lower case; how the file writes them does
            not matter.

    Returns:
        Cells as text, without blanks around them, by the columns' names in lower case; the index
        is the line of the file on which each row begins.

    Raises:
        DataError: the file cannot be read, a needed column is missing, there is no row, or a row
            has another number of fields than the header; names the line.
    """
    import pandas as pd

    header, rows = table_rows(path, needed)
    cells = dict(rows)
    for line, row in cells.items():
        if len(row) != len(header):
            raise DataError(
                f"{path}, line {line}: {len(row)} fields where the header has {len(header)}. The "
                f"file must be whole; it may be cut short. Received: {' | '.join(row)[:80]!r}"
            )
    if not cells:
        raise DataError(f"An annotation file must have at least one row. Received: {path}")
    return pd.DataFrame(cells.values(), index=list(cells), columns=header)


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
            f"{', '.join(needed)}.{did_you_mean(missing[0], header)} Received: {received}"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(
            f"{path}: column there twice: {', '.join(twice)}. Each needs a name of its own. "
            f"Received: {received}"
        )

    def without_end(row: list[str]) -> list[str]:
        while len(row) > len(header) and not row[-1]:
            row.pop()
        return row

    return header, ((line, without_end(row)) for line, row in rows)


def read_rows(path: Path, sheet: str | None = None, columns: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the rows of a text table or of an Excel sheet, with line numbers; blank ones left out.

    A text table may be divided by `;`, tabs, `,` or spaces. Cells come without blanks around them.

    Args:
        path: an Excel file, by its suffix; any other is read as text.
        sheet: of an Excel file; default: the first one.
        columns: names that the first row should have, in lower case, by which the delimiter is
            known; default: it is what most lines have.

    Raises:
        DataError: the file cannot be read; names the line if it is known.
    """
    if path.suffix.lower() in EXCEL:
        return _sheet_rows(path, sheet)
    return _text_rows(path, columns)


def _text_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    # Not splitlines(): that ends lines at rare characters too, and the numbers would be wrong.
    lines = io.StringIO(read_text(path), newline="").readlines()
    first = next((k for k, line in enumerate(lines) if line.strip()), 0)
    named = NAMED_DELIMITER.fullmatch(lines[first]) if lines else None
    if named:
        lines[first] = "\n"
        delimiter = named[1]
    else:
        delimiter = _delimiter(lines[first : first + JUDGED_LINES], columns)
    if delimiter is None:
        yield from ((k, line.split()) for k, line in enumerate(lines, 1) if line.strip())
        return
    # strict: an open quote would swallow the rest
    reader, before = csv.reader(lines, delimiter=delimiter, strict=True), 0
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield before + 1, cells
            before = reader.line_num
    except csv.Error as error:
        raise DataError(
            f"{path}: line {before + 1}: must be fields divided by {delimiter!r}; the file may be "
            f"cut short. Received: {error}"
        ) from error


def _delimiter(lines: Sequence[str], columns: Sequence[str] = ()) -> str | None:
    """Return what divides the names of `columns`, or else the fields of most lines.

    >>> _delimiter(["a.jpg;34,5;4,1"]), _delimiter(["a.jpg,34,4"]), _delimiter(["a.jpg 3.2"])
    (';', ',', None)
    >>> _delimiter(["path,label", "a;b.jpg,3", "c;d.jpg,4"], ["path", "label"])
    ','
    """
    for delimiter in DELIMITERS if columns and lines else ():
        names = lines[0].split() if delimiter is None else lines[0].split(delimiter)
        if set(columns) <= {name.strip(' \t\r\n"').lower() for name in names}:
            return delimiter
    for delimiter in DELIMITERS[:-1]:
        if sum(delimiter in line for line in lines) * 2 > sum(bool(line.strip()) for line in lines):
            return delimiter
    return None


def sheet_names(path: Path) -> list[str]:
    """Return the names of an Excel file's sheets; a text table has one, without a name."""
    if path.suffix.lower() not in EXCEL:
        return [""]
    book = _workbook(path)
    try:
        return list(book.sheetnames)
    finally:
        book.close()


def _sheet_rows(path: Path, sheet: str | None) -> Iterator[Row]:
    book = _workbook(path)
    try:
        rows = book[sheet] if sheet else next(iter(book.worksheets), None)
        if not hasattr(rows, "iter_rows"):
            raise DataError(f"An Excel file must have a sheet of cells. Received: {path}")
        for k, row in enumerate(rows.iter_rows(values_only=True), 1):
            cells = ["" if cell is None else str(cell).strip() for cell in row]
            if any(cells):
                yield k, cells
    finally:
        book.close()


def _workbook(path: Path):
    try:
        import openpyxl
    except ImportError as error:
        raise DataError(
            "Excel files need the package openpyxl: pip install 'keras-dldl[excel]'; or save the "
            f"sheet as CSV. Received: {path}"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and other things that hold no data
            return openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises what its parsers of zip and XML happen to raise
        raise DataError(
            "An Excel file must be a whole .xlsx, with sheets of cells alone (no sheet that is a "
            f"chart). Save the sheet as CSV. Received: {path} ({error})"
        ) from error


def fail_on(problems: Sequence[tuple[int, str]], path: str | os.PathLike) -> None:
    """Raise a DataError that lists `problems`, (line, what is wrong), if there are any."""
    if problems:
        lines = [f"line {line}: {what}" for line, what in problems]
        count = f"{len(lines):,} bad row" + ("s" if len(lines) > 1 else "")
        raise DataError(
            f"{path}: {count} to correct or remove. "
            f"Received: {first_few(lines, SHOWN_PROBLEMS, '; ')}"
        )


def check_paths(rows: Iterable[tuple[int, str]], path: Path) -> None:
    """Raise a DataError if two rows of an annotation file, (line, image), name one image."""
    first: dict[str, int] = {}
    problems = []
    for line, image in rows:
        if first.setdefault(image, line) != line:
            problems.append((line, f"{image} stands on line {first[image]} too"))
    fail_on(problems, path)


def number(value: Any) -> float | None:
    """Return a finite number, or None for anything else.

    >>> number("34,5"), number(" 20 "), number("old"), number(True)
    (34.5, 20.0, None, None)
    """
    if isinstance(value, bool):
        return None
    try:
        found = float(value.replace(",", ".") if isinstance(value, str) else value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def age_problem(age: Any) -> str | None:
    """Return why `age` cannot be a label in years, or None.

    >>> age_problem(34), age_problem(-1), age_problem("x")
    (None, 'age is not known: -1', "age is not a number: 'x'")
    """
    value = number(age)
    if value is None:
        return f"age is not a number: {age!r}"
    if value < 0:
        return f"age is not known: {age}"
    return None if value <= OLDEST else f"age is not in 0...{OLDEST}: {age}"


def read_objects(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return the objects of a JSON list, each with the line on which it begins.

    Raises:
        DataError: the file is cut short, is not JSON, or not a list of objects; names the line.
    """
    text = read_text(path)
    decoder = json.JSONDecoder()
    place = _after_space(text, 0)
    if text[place : place + 1] != "[":
        raise DataError(
            f"{path}: must be a JSON list of objects. Received: a file that begins with "
            f"{text[place : place + 20]!r}"
        )
    objects: list[tuple[int, dict[str, Any]]] = []
    place, line, counted = _after_space(text, place + 1), 1, 0
    while text[place : place + 1] != "]":
        line, counted = line + text.count("\n", counted, place), place
        try:
            found, place = decoder.raw_decode(text, place)
        except ValueError as error:
            raise _not_json(path, line, len(objects)) from error
        if not isinstance(found, dict):
            raise DataError(f"{path}: line {line}: must be an object {{...}}. Received: {found!r}")
        objects.append((line, found))
        place = _after_space(text, place)
        if text[place : place + 1] == ",":
            place = _after_space(text, place + 1)
        elif text[place : place + 1] != "]":
            raise _not_json(path, line, len(objects))
    return objects


def _after_space(text: str, place: int) -> int:
    return _SPACE.match(text, place).end()


def _not_json(path: Path, line: int, whole: int) -> DataError:
    return DataError(
        f"{path}: not whole JSON from line {line} on; was the file cut short? Fetch it again. "
        f"Received: whole objects before that: {whole:,}"
    )
