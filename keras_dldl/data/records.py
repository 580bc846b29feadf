"""Faces in their files: TFRecord files, and encoded faces by number, read when they are asked for.

A TFRecord file is a row of records: the face's number of bytes (8 bytes, little endian), a checksum
of that (4), the face (a JPEG file), a checksum of it (4). A checksum is CRC-32C, rotated, plus a
constant.
"""

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

import google_crc32c
import numpy as np

from keras_dldl._utils import files
from keras_dldl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

READ_AT_ONCE = 256
JPEG_QUALITY = 95
HEAD, TAIL = 12, 4


class Place(NamedTuple):
    """Where a face is in its file.

    Args:
        offset: the first byte of its record.
        size: the number of bytes of the face itself.
    """

    offset: int
    size: int


def encode_jpeg(image: np.ndarray) -> bytes:
    """Return a (H, W, 3) uint8 image as JPEG of high quality with full colour resolution."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def write_shard(faces: Iterable[bytes], path: str | os.PathLike) -> list[Place]:
    """Write encoded faces to one file atomically; return where each is.

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


class EncodedImages(Protocol):
    """Encoded images by number, wherever they are."""

    def __len__(self) -> int:
        """Return how many there are."""

    def read(self, numbers: Iterable[int]) -> list[bytes]:
        """Return the images of these numbers, in this order; a DataError where one is not whole."""


@dataclass(frozen=True)
class Records:
    """The faces of some rows; see `EncodedImages`.

    A face is read by itself, from its place, so that any order and any choice cost the same. Its
    own checksum is compared whenever it is read.

    Args:
        shards: the record files.
        shard: (N,) in which of `shards` each face is.
        offset: (N,) where its record begins there.
        size: (N,) the number of bytes of the face.
    """

    shards: Sequence[Path]
    shard: np.ndarray
    offset: np.ndarray
    size: np.ndarray

    @classmethod
    def of_table(cls, folder: Path, table: "pd.DataFrame") -> "Records":
        """Return the faces of N rows with `shard`, a name in `folder`, `offset` and `bytes`."""
        names, shard = np.unique(table["shard"].to_numpy(object), return_inverse=True)
        shards = [folder / name for name in names]
        return cls(shards, shard, table["offset"].to_numpy(), table["bytes"].to_numpy())

    def __len__(self) -> int:
        return len(self.shard)

    def read(self, numbers: Iterable[int]) -> list[bytes]:
        """Return the encoded faces of these numbers, in this order.

        Raises:
            DataError: a face is not what was written; names the file.
        """
        numbers = list(numbers)
        found = [b""] * len(numbers)
        by_place = sorted(range(len(numbers)), key=lambda k: self._place(numbers[k]))
        for shard, group in groupby(by_place, key=lambda k: self.shard[numbers[k]]):
            try:
                with open(self.shards[shard], "rb", buffering=0) as stream:
                    for k in group:
                        found[k] = read_face(stream, Place(*self._place(numbers[k])[1:]))
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or error
                raise DataError(
                    "A record shard must be whole; see what is wrong by `keras-dldl records "
                    f"verify`. Received: {self.shards[shard]} ({reason})"
                ) from error
        return found

    def parts(self) -> Iterator[list[bytes]]:
        """Yield all encoded faces in their order, some hundred at a time."""
        for first in range(0, len(self), READ_AT_ONCE):
            yield self.read(range(first, min(first + READ_AT_ONCE, len(self))))

    def _place(self, number: int) -> tuple[int, int, int]:
        return int(self.shard[number]), int(self.offset[number]), int(self.size[number])


@dataclass(frozen=True)
class ImageFiles:
    """Image files as they are; see `EncodedImages`.

    Args:
        paths: of the files.
    """

    paths: Sequence[Path]

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, numbers: Iterable[int]) -> list[bytes]:
        """Return the content of the files of these numbers, in this order.

        Raises:
            DataError: a file cannot be read.
        """
        found = []
        for path in (self.paths[number] for number in numbers):
            try:
                found.append(path.read_bytes())
            except OSError as error:
                raise DataError(
                    f"An image must be a file that can be read. Received: {path} ({error.strerror})"
                ) from error
        return found
