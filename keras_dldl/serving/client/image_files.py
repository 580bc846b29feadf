"""From whatever a user calls an image to the bytes of a file that a server can decode."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl.faces.images import read_image

AS_THEY_ARE = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # JPEG, PNG


def image_file(source: Any, name: str) -> bytes:
    """Return `source` as the bytes of a JPEG or PNG file.

    Args:
        source: see `Client.predict`.
        name: what to call it in errors.

    Raises:
        UnreadableImage: it is no image, or cannot be read. JPEG and PNG files are not looked into.
    """
    content = _content(source)
    if content is not None and content.startswith(AS_THEY_ARE):
        return content
    return _as_png(read_image(source if content is None else content, name=name))


def _content(source: Any) -> bytes | None:
    """Return the bytes of a file; None of what is none, or of a path that cannot be read."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, (str, os.PathLike)):
        try:
            return Path(os.fsdecode(source)).read_bytes()
        except (OSError, ValueError):  # `read_image` says what is wrong with it
            return None
    return None


def _as_png(image: np.ndarray) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
