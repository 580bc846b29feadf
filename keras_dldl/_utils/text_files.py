"""Text files as people and data sets write them, in whatever encoding.

Text is read as UTF-16 where it has that mark, or zero bytes as UTF-16 has them; else as UTF-8, else
as Windows-1252, which spreadsheets on Western Windows write, else as Latin-1. What then has control
characters is not text.
"""

import codecs
import io
import os
import re
from pathlib import Path

from keras_dldl.errors import DataError

CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f]")  # not the mark that ends DOS files

UTF16_ZEROS = 0.5  # of the characters of a table in UTF-16: headers, delimiters, numbers, suffixes
STRAY_ZEROS = 0.1  # of them on the other side: letters such as U+0100
STRAY_CONTROLS = 0.01  # of the characters of a text that was damaged a little

OFFICE = (".xls", ".xlsb", ".ods", ".numbers")  # spreadsheets that are not read


def read_text(path: str | os.PathLike) -> str:
    """Return the content of a text file; DataError if it cannot be read, or is not text."""
    return decode_text(read_bytes(path), os.fspath(path))


def read_bytes(path: str | os.PathLike) -> bytes:
    """Return the content of a file; DataError if it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DataError(
            f"The file must be there and readable. Received: {path} ({error.strerror})"
        ) from error


def decode_text(content: bytes, name: str) -> str:
    """Return the text that the file `name` holds; DataError if it is none.

    >>> decode_text("łódź".encode("utf-16"), "a.txt"), decode_text("Š".encode("cp1252"), "b.txt")
    ('łódź', 'Š')
    """
    found = None
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not CONTROL.search(text):
            return text
        found = found or text
    _refuse_stray_controls(found or "", name)
    office = name.lower().endswith(OFFICE)
    raise DataError(
        "The file must be text in UTF-8, UTF-16, Windows-1252 or Latin-1"
        f"{'; of spreadsheets .xlsx is read: save it as that, or as CSV' if office else ''}. "
        f"Received: {name}, which is a binary file"
    )


def lines_of(text: str) -> list[str]:
    r"""Return the lines of a text, without their ends, blank ones too.

    Not `str.splitlines`, which also ends lines at rare characters that names may have.

    >>> lines_of("a\x85b.jpg\r\n\nc.jpg\n")
    ['a\x85b.jpg', '', 'c.jpg']
    """
    return [line.removesuffix("\n") for line in io.StringIO(text, newline=None)]


def _encodings(content: bytes) -> tuple[str, ...]:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    # Without the mark: Latin letters, digits and signs have a zero byte, all on the same side.
    first, second = content[::2].count(0), content[1::2].count(0)
    if UTF16_ZEROS * len(content[1::2]) < max(first, second) > min(first, second) / STRAY_ZEROS:
        return ("utf-16-le" if second > first else "utf-16-be",)
    return ("utf-8-sig", "cp1252", "latin-1")  # five bytes mean nothing in cp1252


def _refuse_stray_controls(text: str, name: str) -> None:
    """Raise a DataError that names the line, if `text` has a few control characters only."""
    found = CONTROL.search(text)
    if found and len(CONTROL.findall(text)) <= max(1, STRAY_CONTROLS * len(text)):
        line = text.count("\n", 0, found.start()) + 1
        raise DataError(
            f"{name}: line {line}: a control character, which no text has. Remove it, or save the "
            f"table again. Received: {text[max(0, found.start() - 20) : found.end() + 20]!r}"
        )
