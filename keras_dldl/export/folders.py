"""Writing a folder so that a killed process leaves no half folder under a real name."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_dldl._utils.arguments import check_integer
from keras_dldl._utils.files import TEMPORARY_PREFIX, errors_about, make_folder

EARLIER = "An earlier export is here; --force (force=True) replaces it"


@contextmanager
def new_folder(place: Path, *, marker: str, force: bool = False) -> Iterator[Path]:
    """Yield a temporary folder beside `place`, renamed onto `place` when the block ends well.

    Args:
        place: the folder to make. Missing parents are made; an empty folder there is no obstacle.
        marker: a file by which an earlier result is known; a folder without it is never replaced.
        force: replace an earlier result.

    Raises:
        FileExistsError: `place` is not free and may not be replaced; checked before the block runs.
        OSError: the parent cannot be written; it is `place` that the error names.
    """
    place = Path(os.path.abspath(place))  # "." has no name and no parent
    _check_free(place, marker, force)
    make_folder(place.parent)
    with errors_about(place):
        outer = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=place.parent))
        try:
            temporary = outer / "new"
            temporary.mkdir()  # unlike `outer`, with the rights of any other new folder
            yield temporary
            _check_free(place, marker, force)
            _exchange(temporary, place, outer / "old")
        finally:
            shutil.rmtree(outer, ignore_errors=True)


def version_folder(out: Path, version: int | str) -> Path:
    """Return the folder of a version in `out`, as TensorFlow Serving looks for it.

    Args:
        out: the folder of all versions; it need not exist.
        version: 1 or more, or "auto": one more than the greatest that is there.
    """
    if version != "auto":
        return out / str(check_integer("version", version, minimum=1))
    names = os.listdir(out) if out.is_dir() else []
    # int() reads more than a server does: " 1", "1_0", and other scripts' digits.
    there = [int(name) for name in names if name.isascii() and name.isdigit()]
    return out / str(max(there, default=0) + 1)


def check_file_free(place: Path, force: bool) -> None:
    """Raise FileExistsError unless `place` is free, or a file and `force` is set."""
    if place.is_dir():
        raise _taken(place, "The file to write must not be a folder")
    if os.path.lexists(place) and not force:
        raise _taken(place, EARLIER)


def _exchange(new: Path, place: Path, old: Path) -> None:
    if place.exists():
        os.rename(place, old)
    try:
        os.rename(new, place)
    except OSError:
        if old.exists():
            os.rename(old, place)
        raise


def _check_free(place: Path, marker: str, force: bool) -> None:
    if not os.path.lexists(place) or (place.is_dir() and not any(place.iterdir())):
        return
    if not (place.is_dir() and (place / marker).is_file()):
        raise _taken(place, "The folder to write must be new, empty, or an earlier export")
    if not force:
        raise _taken(place, EARLIER)


def _taken(place: Path, reason: str) -> FileExistsError:
    return FileExistsError(errno.EEXIST, reason, os.fspath(place))
