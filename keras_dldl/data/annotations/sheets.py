"""The rows of a table, in text of any encoding and delimiter or in an Excel sheet.

Every table that a user or a data set hands over is read here.
"""

import csv
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_dldl.errors import DataError
from keras_dldl.text_files import read_text

EXCEL = frozenset({".xlsx", ".xlsm"})
DELIMITERS = (";", "\t", ",", None)  # None: blanks, any number of them
NAMED_DELIMITER = re.compile(r'"?sep=(.)"?\s*')  # the first line of some of Excel's files
JUDGED_LINES = 20

Row = tuple[int, list[str]]


def read_rows(path: Path, sheet: str | None = None, columns: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the rows of a text table or of an Excel sheet, with line numbers; blank ones left out.

    A text table may be divided by `;`, tabs, `,` or spaces. Cells come without blanks around them.

    Args:
        path: an Excel file, by its suffix; any other is read as text.
        sheet: of an Excel file; default: the first one.
        columns: names that the first row should have, in lower case, by which the delimiter is
            known; default: it is what most lines have.

    Raises:
        DataError: the file cannot be read; names the line where that can be told.
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
