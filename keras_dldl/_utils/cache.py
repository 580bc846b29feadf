"""The user's cache folder: what is costly to make, made once, under a lock and with a checksum."""

import hashlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from keras_dldl._utils.files import write_bytes

FOLDER_VARIABLE = "KERAS_DLDL_CACHE_DIR"
DIGITS = 32  # of a SHA-256 checksum in a file's name
_LOGGER = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the folder in which things are kept; it need not exist.

    KERAS_DLDL_CACHE_DIR where that is set, else the system's place for caches: XDG_CACHE_HOME or
    ~/.cache (Linux), ~/Library/Caches (macOS), LOCALAPPDATA (Windows), and `keras-dldl` in it.
    """
    if own := os.environ.get(FOLDER_VARIABLE):
        return Path(own).expanduser()
    if sys.platform == "darwin":
        return Path(os.path.expanduser("~/Library/Caches/keras-dldl"))
    name = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"
    return Path(os.environ.get(name) or os.path.expanduser("~/.cache")) / "keras-dldl"


def cached(name: str, key: str, make: Callable[[], bytes]) -> bytes:
    """Return what `make` returns, from the cache if it is there and complete.

    Of processes that ask at once one makes it, and the others wait. Where the cache cannot be
    written, or holds something damaged, it is made again; no fault of the cache is an error.

    Args:
        name: what it is, a word that can be part of a file's name.
        key: the `checksum` of what it is made from; another key is another entry.
        make: makes the content. What it raises is passed on.
    """
    folder, stem = cache_folder(), f"{name}-{key[:DIGITS]}"
    found = _read(folder, stem)
    if found is not None:
        return found
    with _locked(folder / f"{stem}.lock"):
        found = _read(folder, stem)  # another process may have made it meanwhile
        if found is None:
            found = make()
            try:
                write_bytes(folder / _file_name(stem, found), found)
            except OSError as error:
                _LOGGER.debug("Nothing is kept in the cache. Received: %s", error)
    return found


def checksum(*parts: bytes | str) -> str:
    """Return the SHA-256 checksum of the parts, in hexadecimal digits, for use as a key.

    >>> checksum(b"ab", "c") == checksum(b"ab", b"c") != checksum(b"a", b"bc")
    True
    """
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(hashlib.sha256(content).digest())  # so that borders between parts count
    return digest.hexdigest()


def _file_name(stem: str, content: bytes) -> str:
    """Return `<stem>-<checksum>`: with the checksum in its name, a file is complete in one step."""
    return f"{stem}-{hashlib.sha256(content).hexdigest()[:DIGITS]}"


def _read(folder: Path, stem: str) -> bytes | None:
    with suppress(OSError):
        for path in sorted(folder.glob(f"{stem}-*")):
            content = path.read_bytes()
            if path.name == _file_name(stem, content):
                return content
            _LOGGER.warning("A damaged file of the cache is left out. Received: %s", path)
            with suppress(OSError):
                path.unlink()
    return None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock at `path`, which a process that dies lets go; none where it cannot be made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = open(path, "a+b")
    except OSError:
        yield
        return
    with stream:
        with suppress(OSError):  # a file system without locks: two may make the same thing
            _wait_for(stream.fileno())
        yield


def _wait_for(number: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        while True:  # it gives up after ten seconds
            with suppress(OSError):
                os.lseek(number, 0, os.SEEK_SET)
                msvcrt.locking(number, msvcrt.LK_LOCK, 1)
                return
    import fcntl

    fcntl.flock(number, fcntl.LOCK_EX)
