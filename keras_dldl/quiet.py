"""Keeps start-up notes of TensorFlow and LiteRT off stderr, where our own messages go."""

import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import IO

STDERR = 2
# What TensorFlow 2.18 on writes while it is imported, before it heeds TF_CPP_MIN_LOG_LEVEL.
NOTES = ("WARNING: All log messages before absl::", "I0000 ", "W0000 ")


def quieten_tensorflow() -> None:
    """Drop TensorFlow's notes and warnings about itself, at its import and after.

    Has an effect only before TensorFlow is imported. Who sets TF_CPP_MIN_LOG_LEVEL=0 in the
    environment sees all of it.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
        return
    if not any(isinstance(finder, _TensorFlowFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TensorFlowFinder())


class _TensorFlowFinder(MetaPathFinder):
    """Finds nothing itself, but has the import of TensorFlow run inside `notes_dropped`."""

    def __init__(self) -> None:
        self.searching = False

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != "tensorflow" or self.searching:
            return None
        self.searching = True  # the others are asked now, of whom this is one
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.searching = False
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_quietly(module: ModuleType) -> None:
                with notes_dropped():
                    run(module)

            spec.loader.exec_module = run_quietly
        return spec


@contextmanager
def notes_dropped(notes: tuple[str, ...] = NOTES) -> Iterator[None]:
    """Hold back what the process writes to stderr, then pass it on less the lines of `notes`.

    Works on the file descriptor, as the notes are written by C++ code. Where stderr is closed, or
    there is no folder for temporary files, nothing is held back. A process that another thread
    starts meanwhile would lose its stderr.
    """
    held = _temporary_file()
    if held is None:
        yield
        return
    with held:
        _flush_stderr()
        stderr = os.dup(STDERR)
        os.dup2(held.fileno(), STDERR)
        try:
            yield
        finally:
            _flush_stderr()
            os.dup2(stderr, STDERR)
            held.seek(0)
            with suppress(OSError):  # nobody reads stderr any more
                _write_without(notes, held, stderr)
            os.close(stderr)


def _temporary_file() -> IO[bytes] | None:
    """Return a file to hold what is written to stderr; None where that cannot be done."""
    if sys.stderr is None:  # closed from the start; its number may be another file's by now
        return None
    try:
        os.fstat(STDERR)
        return tempfile.TemporaryFile()
    except OSError:
        return None


def _flush_stderr() -> None:
    with suppress(OSError, ValueError):  # ValueError: closed
        sys.stderr.flush()


def _write_without(notes: tuple[str, ...], held: IO[bytes], target: int) -> None:
    for line in held.read().splitlines(keepends=True):
        if not line.startswith(tuple(note.encode() for note in notes)):
            os.write(target, line)
