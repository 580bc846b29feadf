"""Keeps notes of TensorFlow, LiteRT and Pillow off stderr, where our own messages go."""

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from keras_dldl._utils.imports import around_import

STDERR = 2
# Meant for authors of training loops; who trains several models, one after the other, gets it too.
RETRACING = "triggered tf.function retracing"
# What TensorFlow 2.18 on writes while it is imported, before it heeds TF_CPP_MIN_LOG_LEVEL.
NOTES = ("WARNING: All log messages before absl::", "I0000 ", "W0000 ")


def quieten_tensorflow() -> None:
    """Drop TensorFlow's notes and warnings about itself, at its import and after.

    Has an effect only before TensorFlow is imported. Who sets TF_CPP_MIN_LOG_LEVEL=0 in the
    environment sees all of it.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
        return
    logging.getLogger("tensorflow").addFilter(_is_no_retracing)
    around_import("tensorflow", notes_dropped)


def _is_no_retracing(record: logging.LogRecord) -> bool:
    return RETRACING not in record.getMessage()


def quieten_pillow() -> None:
    """Drop Pillow's warnings: one damaged file may bring thousands, and we say what came of it."""
    warnings.filterwarnings("ignore", module=r"PIL\.")


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
                for line in held.read().splitlines(keepends=True):
                    if not line.startswith(tuple(note.encode() for note in notes)):
                        os.write(stderr, line)
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
