"""TFRecord files of aligned faces: the one place that knows their bytes.

A file is a row of records: the face's number of bytes (8 bytes, little endian), a checksum of that
(4), the face (a JPEG file), a checksum of it (4). A checksum is CRC-32C, rotated, plus a constant.
"""

import os
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

import google_crc32c
import numpy as np

from keras_dldl._utils import files

JPEG_QUALITY = 95
HEAD, TAIL = 12, 4


class Place(NamedTuple):
    """Where a face lies in its file.

    Args:
        offset: the first byte of its record.
        size: the number of bytes of the face itself.
    """

    offset: int
    size: int


def encode_jpeg(image: np.ndarray) -> bytes:
    """Return a (H, W, 3) uint8 image as JPEG of high quality with full colour resolution."""
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def write_shard(faces: Iterable[bytes], path: str | os.PathLike) -> list[Place]:
    """Write encoded faces to one file, whole or not at all; return where each lies.

    >>> import tempfile
    >>> write_shard([b"a face", b"another"], tempfile.mkdtemp() + "/faces.tfrecord")
    [Place(offset=0, size=6), Place(offset=22, size=7)]
    """
    places = []
    with files.atomic_path(path) as temporary, open(temporary, "wb") as stream:
        for face in faces:
            places.append(Place(stream.tell(), len(face)))
            length = len(face).to_bytes(8, "little")
            stream.write(length + _checksum(length) + face + _checksum(face))
    return places


def read_face(stream: BinaryIO, place: Place) -> bytes:
    """Return one encoded face from an open file.

    Raises:
        ValueError: there is no whole face at this place.
    """
    stream.seek(place.offset)
    record = stream.read(HEAD + place.size + TAIL)
    face = record[HEAD:-TAIL]
    if record[:8] != place.size.to_bytes(8, "little") or record[-TAIL:] != _checksum(face):
        raise ValueError("a face does not fit its checksum")
    return face


def _checksum(content: bytes) -> bytes:
    crc = google_crc32c.value(content)
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    return masked.to_bytes(4, "little")
