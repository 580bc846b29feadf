"""The pictures that names stand for: files, folders, patterns, lists."""

import glob
import logging
import os
import sys
from collections.abc import Iterable, Iterator

from keras_dldl._utils.arguments import first_few
from keras_dldl._utils.on_disk import as_on_disk
from keras_dldl._utils.text_files import decode_text, lines_of, read_text
from keras_dldl.errors import DataError

log = logging.getLogger(__name__)

# The one set of them: every command that searches folders for pictures takes these.
PICTURE_SUFFIXES = frozenset(
    ".bmp .gif .heic .heif .jfif .jpe .jpeg .jpg .jp2 .mpo .pbm .pgm .png .ppm .tif .tiff "
    ".webp".split()
)
SHOWN_NAMES = 10
APPLE_DOUBLE = "._"  # beside a file, on disks that cannot hold macOS's further facts of it
LIST_MARK = "@"
STDIN_LIST = "@-"
QUOTES = "\"'"


def photo_paths(names: Iterable[str | os.PathLike]) -> list[str]:
    """Return the paths of pictures, in the order of the names, those of one name sorted.

    Args:
        names: each one a file, taken whatever it is called; a folder, searched with its folders
            for files that end like pictures, hidden ones and others named in a warning; a
            pattern with `*`, `?`, `[...]` or `**`; or `@FILE`, a text file with a name a line
            (`@-`: from stdin), in quotes or not. What exists by its very name is that. A name that
            stands for nothing stays, for who opens it to tell.

    Raises:
        DataError: a list cannot be read.

    >>> photo_paths(["a.jpg", "b*.jpg"])
    ['a.jpg', 'b*.jpg']
    """
    return [path for name in names for path in _expanded(os.fspath(name))]


def _expanded(name: str) -> Iterator[str]:
    name = as_on_disk(name)
    if os.path.isdir(name):
        yield from _in_folder(name) or [name]
    elif os.path.lexists(name):
        yield name
    elif name.startswith(LIST_MARK):
        yield from photo_paths(_lines(name))
    elif glob.has_magic(name):
        yield from sorted(filter(os.path.isfile, glob.glob(name, recursive=True))) or [name]
    else:
        yield name


def _in_folder(folder: str) -> list[str]:
    found, others, hidden = [], [], []
    for place, folders, files in os.walk(folder, onerror=_tell):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if is_hidden_picture(name):
                hidden.append(os.path.join(place, name))
            elif not name.startswith("."):
                (found if is_picture(name) else others).append(os.path.join(place, name))
    _tell_passed_over(folder, others, "file", ", whose names do not end like pictures")
    _tell_passed_over(folder, hidden, "hidden picture", "; to have one read, name it itself")
    return sorted(found)


def _tell_passed_over(folder: str, paths: list[str], what: str, remark: str) -> None:
    if paths:
        names = [os.path.relpath(path, folder) for path in sorted(paths)]
        count = f"{len(paths):,} {what}" + "s" * (len(paths) > 1)
        shown = first_few(names, SHOWN_NAMES)
        log.warning("%s: %s passed over%s: %s", folder, count, remark, shown)


def _tell(error: OSError) -> None:
    log.warning("%s: folder passed over: %s", error.filename, error.strerror)


def is_picture(name: str) -> bool:
    """Tell whether the name of a file ends like a picture's.

    >>> is_picture("IMG_1.HEIC"), is_picture("IMG_1"), is_picture("clip.mov")
    (True, False, False)
    """
    return os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES


def is_hidden_picture(name: str) -> bool:
    """Tell whether a file is a picture that folders hide; not macOS's notes beside pictures.

    >>> is_hidden_picture(".a.jpg"), is_hidden_picture("._a.jpg"), is_hidden_picture("a.jpg")
    (True, False, False)
    """
    return name.startswith(".") and not name.startswith(APPLE_DOUBLE) and is_picture(name)


def _lines(name: str) -> list[str]:
    try:
        if name == STDIN_LIST:
            text = decode_text(sys.stdin.buffer.read(), name)
        else:
            text = read_text(name.removeprefix(LIST_MARK))
    except DataError as error:
        raise DataError(
            f"A list of pictures must be a text file with a path a line. Received: {name}; {error}"
        ) from error
    names = [line.strip() for line in lines_of(text)]
    # A list within a list could name itself.
    return [_there(name) for name in names if name and not name.startswith(LIST_MARK)]


def _there(name: str) -> str:
    """Return `name`, and where there is no such file without quotes, and with `/` for backslashes.

    Shells, spreadsheets and Windows' "Copy as path" write quotes.
    """
    if os.path.lexists(name):
        return name
    if len(name) > 2 and name[0] == name[-1] and name[0] in QUOTES:
        name = name[1:-1]
    return name if os.path.lexists(name) else name.replace("\\", os.sep)
