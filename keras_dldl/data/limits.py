"""How much memory the faces of a run may take."""

import os

from keras_dldl.errors import ConfigError

LIMIT_VARIABLE = "KERAS_DLDL_CACHE_BYTES"
MOST_BYTES = 4 * 2**30
SHARE_OF_MEMORY = 4


def memory_limit() -> int:
    """Return how many bytes the faces of a split may take in memory.

    Decoded faces at the input size are kept up to this; beyond it their encoded form is, and beyond
    that again they are read from the files in every epoch.

    Returns:
        The environment variable KERAS_DLDL_CACHE_BYTES, or else 4 GiB, but no more than a quarter
        of the machine's memory where that is known.

    Raises:
        ConfigError: the variable is not a whole number of bytes.
    """
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    if not text:
        physical = _physical_memory()
        return MOST_BYTES if physical is None else min(MOST_BYTES, physical // SHARE_OF_MEMORY)
    if not (text.isascii() and text.isdigit()):
        raise ConfigError(
            f"The environment variable {LIMIT_VARIABLE} must be a whole number of bytes, 0 or more."
            f" Received: {LIMIT_VARIABLE}={text!r}"
        )
    return int(text)


def _physical_memory() -> int | None:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # no such function, name, or answer
        return None
    return size if size > 0 else None
