"""Names as the disk has them: one name may be spelt in several Unicode forms."""

import os
import unicodedata
from functools import lru_cache

FORM = "NFC"


def composed(text: str) -> str:
    r"""Return `text` with letters and their accents as one character where there is one.

    >>> composed("Zoe\u0308.jpg") == "Zo\u00eb.jpg"
    True
    """
    return text if text.isascii() else unicodedata.normalize(FORM, text)


def as_on_disk(path: str | os.PathLike) -> str:
    """Return `path`, or where nothing has this name, what differs from it in its Unicode form only.

    macOS writes names in another form than keyboards and spreadsheets do, and archives carry such
    names to systems that tell the two apart.
    """
    path = os.fspath(path)
    if path.isascii() or os.path.lexists(path):
        return path
    folder, name = os.path.split(path)
    if not name or folder == path:
        return path
    folder = as_on_disk(folder)
    there = os.path.join(folder, name)
    if os.path.lexists(there):
        return there
    try:
        names = _names(folder or os.curdir, os.stat(folder or os.curdir).st_mtime_ns)
    except OSError:
        return path
    found = names.get(composed(name))
    return path if found is None else os.path.join(folder, found)


@lru_cache(maxsize=64)
def _names(folder: str, changed: int) -> dict[str, str]:
    """Return the names in a folder that are not ASCII; `changed` makes a new list after changes."""
    return {composed(name): name for name in os.listdir(folder) if not name.isascii()}
