"""Reading what data sets publish beside images: JSON lists, text tables, Excel sheets, points.

Whatever is wrong with a file is said with its name and line.
"""

import codecs
import csv
import json
import math
import re
import struct
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from keras_dldl.errors import DataError

SHOWN_PROBLEMS = 10
OLDEST = 120  # years; what is above is a slip of the annotation
EXCEL = frozenset({".xlsx", ".xlsm"})
_SPACE = re.compile(r"\s*")

Row = tuple[int, list[str]]
Points = list[tuple[float, float]]


def only_file(root: Path, patterns: Sequence[str], wanted: str, option: str = "") -> Path:
    """Return the only file below `root` whose name matches one of `patterns`.

    Args:
        root: the data set's folder.
        patterns: as of `Path.rglob`, the same in lower case.
        wanted: what is looked for, for the error message.
        option: the option that names the file instead, if there is one.

    Raises:
        DataError: there is none, or more than one.
    """
    found = sorted({path for pattern in patterns for path in root.rglob(pattern) if path.is_file()})
    if len(found) == 1:
        return found[0]
    remedy = f" Name it with {option}, or keep exactly one." if option else ""
    if found:
        state = "several: " + ", ".join(str(path.relative_to(root)) for path in found[:5])
    else:
        state = "a folder with " + entries(root)
    raise DataError(f"Looked for {wanted}.{remedy} Received: {root}, {state}")


def entries(root: Path) -> str:
    """Return the first few names in a folder, for error messages."""
    return ", ".join(sorted(path.name for path in root.iterdir())[:5]) or "nothing in it"


def fail_on(problems: Sequence[tuple[int, str]], path: Path) -> None:
    """Raise a DataError that lists `problems`, (line, what is wrong), if there are any."""
    if not problems:
        return
    shown = "; ".join(f"line {line}: {what}" for line, what in problems[:SHOWN_PROBLEMS])
    more = len(problems) - SHOWN_PROBLEMS
    count = f"{len(problems):,} bad row" + ("s" if len(problems) > 1 else "")
    raise DataError(f"{path}: {count}: {shown}" + (f"; and {more:,} more" if more > 0 else ""))


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


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 or UTF-16 file.

    Raises:
        DataError: the file cannot be read, or is in another encoding; names the line.
    """
    content = _content(path)
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path}: line {line}: an annotation file must be in UTF-8 or UTF-16; save it so. "
            f"Received: byte {content[error.start]:#04x}"
        ) from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"An annotation file must be readable. Received: {path} ({error.strerror or error})"
        ) from error


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


def read_points(path: Path) -> Points:
    """Return the points of a landmark file, x and y in pixels; none where it holds none.

    Forms: text of `version`, `n_points` and a line a point in braces (FG-NET); the same without
    braces; binary little-endian, an int32 count and two float32 a point (SCUT-FBP5500).

    Raises:
        DataError: the file has another form; names the line where it is text.
    """
    content = _content(path)
    if len(content) >= 4:
        (count,) = struct.unpack("<i", content[:4])
        if 0 <= count and len(content) == 4 + 8 * count:
            values = struct.unpack(f"<{2 * count}f", content[4:])
            return list(zip(values[::2], values[1::2], strict=True))
    return _text_points(path)


def _text_points(path: Path) -> Points:
    points, promised = [], None
    for line, text in enumerate(read_text(path).splitlines(), 1):
        key, colon, value = text.partition(":")
        if colon:
            promised = number(value) if key.strip() == "n_points" else promised
            continue
        if not text.strip(" \t{}"):
            continue
        pair = [number(part) for part in text.split()]
        if len(pair) != 2 or None in pair:
            raise DataError(f"{path}: line {line}: must be x and y. Received: {text.strip()!r}")
        points.append((pair[0], pair[1]))
    if promised not in (None, len(points)):
        raise DataError(f"{path}: must hold {promised:g} points. Received: {len(points)}")
    return points
