"""Writing files so that a killed process leaves no half file under a real name; checksums."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# Short, so that a name as long as the file system allows can be written too.
TEMPORARY_PREFIX = ".tmp-"
LONGEST_SUFFIX = 16
BYTES_AT_ONCE = 2**20


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed onto `path` when the block ends well.

    The temporary file has the same suffix as `path`, because some writers choose the format by it.

    Args:
        path: the file to write. Missing parent folders are made.

    Raises:
        OSError: the folder cannot be written, or the disk is full; the temporary file is removed,
            and it is `path` that the error names.

    >>> import pathlib, tempfile
    >>> place = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> with atomic_path(place) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> place.read_text()
    'whole'
    """
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        with _device(path) as temporary:
            yield temporary
        return
    make_folder(path.parent)
    suffix = path.suffix if len(path.suffix) <= LONGEST_SUFFIX else ""
    with errors_about(path):
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, suffix=suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            # mkstemp makes private files; a result should have the rights of any other new file.
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise


@contextmanager
def _device(path: Path) -> Iterator[Path]:
    """Yield a temporary path, whose content goes into a device or pipe; a rename would end it."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder, path.name)
        yield temporary
        with errors_about(path), temporary.open("rb") as written, path.open("wb") as device:
            shutil.copyfileobj(written, device)


def make_folder(folder: str | os.PathLike) -> None:
    """Make a folder and its parents, where they are missing.

    Raises:
        OSError: it cannot be made; NotADirectoryError where a file has its name.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        reason = os.strerror(errno.ENOTDIR)
        raise NotADirectoryError(errno.ENOTDIR, reason, str(folder)) from error


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, sorted, but for what a killed process left unfinished."""
    names = (entry.name for entry in folder.iterdir())
    return sorted(name for name in names if not name.startswith(TEMPORARY_PREFIX))


def check_writable(folder: str | os.PathLike) -> None:
    """Make a folder where it is missing, and prove that files can be written into it.

    Raises:
        OSError: they cannot.
    """
    make_folder(folder)
    with errors_about(folder), tempfile.TemporaryFile(prefix=TEMPORARY_PREFIX, dir=folder) as file:
        file.write(b"x")


@contextmanager
def errors_about(path: str | os.PathLike) -> Iterator[None]:
    """Have every OSError of the block that names a temporary file, or none, name `path`.

    >>> with errors_about("a.txt"):
    ...     raise OSError(28, "No space left on device", "/b/.tmp-123.txt")
    Traceback (most recent call last):
    OSError: [Errno 28] No space left on device: 'a.txt'
    """
    try:
        yield
    except OSError as error:
        if not _names_no_real_file(error):
            raise
        if error.errno is None:  # a library's own, with nothing but a message
            raise OSError(f"{os.fspath(path)}: {error}") from error
        # OSError itself chooses the subclass by the number.
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def _names_no_real_file(error: OSError) -> bool:
    name = error.filename
    if not isinstance(name, (str, bytes, os.PathLike)):  # None, or the number of an open file
        return True
    return any(part.startswith(TEMPORARY_PREFIX) for part in Path(os.fsdecode(name)).parts)


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Write `content` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write `text` as UTF-8 to `path` atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Write `content` as indented JSON to `path` atomically; NaN is refused."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_table(path: str | os.PathLike, table: "pd.DataFrame") -> None:
    """Write the columns of `table` as CSV to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def sha256_of(path: str | os.PathLike) -> str:
    """Return the SHA-256 checksum of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while piece := stream.read(BYTES_AT_ONCE):
            digest.update(piece)
    return digest.hexdigest()
