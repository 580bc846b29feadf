"""The rows of a table without a set header, in text of any delimiter or in an Excel sheet."""

import csv
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_dldl.data.annotations.reading import read_text
from keras_dldl.errors import DataError

EXCEL = frozenset({".xlsx", ".xlsm"})

Row = tuple[int, list[str]]


def read_rows(path: Path, sheet: str | None = None) -> Iterator[Row]:
    """Yield the rows of a text table or of an Excel sheet, with line numbers; blank ones left out.

    A text table may be divided by `;`, tabs, `,` or spaces.

    Args:
        path: an Excel file, by its suffix; any other is read as text.
        sheet: of an Excel file; default: the first one.

    Raises:
        DataError: the file cannot be read; names the line where that can be told.
    """
    if path.suffix.lower() in EXCEL:
        return _sheet_rows(path, sheet)
    return _text_rows(path)


def _text_rows(path: Path) -> Iterator[Row]:
    lines = read_text(path).splitlines(keepends=True)
    delimiter = _delimiter(lines[:20])
    if delimiter is None:
        yield from ((k, line.split()) for k, line in enumerate(lines, 1) if line.strip())
        return
    reader, before = csv.reader(lines, delimiter=delimiter, strict=True), 0
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield before + 1, cells
            before = reader.line_num
    except csv.Error as error:
        raise DataError(
            f"{path}: line {before + 1}: must be fields divided by {delimiter!r}. Received: {error}"
        ) from error


def _delimiter(lines: Sequence[str]) -> str | None:
    """Return what divides the fields of most lines; None for spaces.

    >>> _delimiter(["a.jpg;34,5;4,1"]), _delimiter(["a.jpg,34,4"]), _delimiter(["a.jpg 3.2"])
    (';', ',', None)
    """
    for delimiter in (";", "\t", ","):
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
        rows = book[sheet] if sheet else book.worksheets[0]
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
            f"An Excel file must be a whole .xlsx. Received: {path} ({error})"
        ) from error
