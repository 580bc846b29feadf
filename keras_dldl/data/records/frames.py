"""Records as they lie in their files, to be copied without being decoded.

A TFRecord file is a row of frames: the record's length (8 bytes, little endian), a checksum of it
(4), the record, a checksum of it (4). A frame means the same in any file and at any place.
"""

import itertools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from keras_dldl import files
from keras_dldl.errors import DataError

HEAD, TAIL = 12, 4


class Frame(NamedTuple):
    """Where a record lies: its file, and its first byte and number of bytes there."""

    file: Path
    start: int
    size: int


def frames_of(path: Path) -> list[Frame]:
    """Return the frames of a record file, in order; the records themselves are not read.

    Raises:
        DataError: the file is not there, or cut short.
    """
    frames, start = [], 0
    try:
        with open(path, "rb", buffering=0) as stream:
            end = os.fstat(stream.fileno()).st_size
            while start < end:
                stream.seek(start)
                head = stream.read(HEAD)
                frames.append(Frame(path, start, HEAD + int.from_bytes(head[:8], "little") + TAIL))
                start += frames[-1].size
    except FileNotFoundError:
        start, end = 0, 1
    if start != end:
        raise DataError(
            "A record shard must be there and whole; prepare the data again, into a new folder. "
            f"Received: {path}"
        )
    return frames


def copy_frames(frames: Sequence[Frame], paths: Iterable[str], target: Path) -> None:
    """Write a record file of copies of these frames, whole or not at all.

    Args:
        frames: what to copy, in order.
        paths: the manifest's path of each. It stands in the record, so a frame of another face is
            noticed.
        target: the file to write.

    Raises:
        DataError: a frame is of another face.
        OSError: a file cannot be read or written.
    """
    with files.atomic_path(target) as temporary, open(temporary, "wb") as stream:
        for frame, content, path in zip(frames, _contents(frames), paths, strict=True):
            if path.encode("utf-8") not in content:
                raise DataError(
                    "Records and manifest must hold the same faces in the same order; prepare the "
                    f"data again. Received: {frame.file}, which has another face for {path}"
                )
            stream.write(content)


def _contents(frames: Sequence[Frame]) -> list[bytes]:
    found = {}
    for file, group in itertools.groupby(sorted(frames), key=lambda frame: frame.file):
        with open(file, "rb") as stream:
            for frame in group:
                stream.seek(frame.start)
                found[frame] = stream.read(frame.size)
    return [found[frame] for frame in frames]
