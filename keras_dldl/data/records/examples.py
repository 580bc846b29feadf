"""Record files read without TensorFlow: frames, checksums, and `tf.train.Example` messages.

A message of protocol buffers is a row of fields: a key (field number times 8 plus kind), then by
kind a number in 7-bit groups (0), 8 bytes (1), a length and so many bytes (2), or 4 bytes (5).
`Example` holds in field 1 `Features`, which holds in field 1 pairs of a name (1) and a `Feature`
(2), which holds a list of bytes in its field 1 or of floats in its field 2.
"""

import functools
import struct
from collections.abc import Iterator
from pathlib import Path

from keras_dldl.data.records.frames import HEAD, TAIL, frames_of
from keras_dldl.data.records.tfrecord import SCHEMA
from keras_dldl.errors import DataError

Value = bytes | float
_BYTES, _FLOATS = 1, 2
_CASTAGNOLI = 0x82F63B78


def read_examples(path: Path, checked: bool = False) -> Iterator[dict[str, Value]]:
    """Yield the features of each record of a file, in order, by name.

    Args:
        path: a TFRecord file.
        checked: whether to compare each record with its own checksum, which takes a second for
            some ten megabytes; a file that was compared with the index needs none.

    Raises:
        DataError: the file is missing, cut short or damaged, or holds something else.
    """
    frames = frames_of(path)  # before the first record: a file cut short gives none
    with open(path, "rb") as stream:
        for number, frame in enumerate(frames, 1):
            content = stream.read(frame.size)
            record, tail = content[HEAD:-TAIL], content[-TAIL:]
            if checked and masked_crc32c(record) != int.from_bytes(tail, "little"):
                raise _damaged(path, f"record {number} does not fit its checksum")
            try:
                yield parse_example(record)
            except (ValueError, IndexError, struct.error) as error:
                raise _damaged(path, f"record {number}: {error}") from error


def parse_example(message: bytes) -> dict[str, Value]:
    """Return the features of a serialized `tf.train.Example` by name: those of the schema.

    Raises:
        ValueError: the message is not such an example, or lacks a feature of the schema.
    """
    found: dict[str, Value] = {}
    for features in _fields(message, 1):
        for pair in _fields(features, 1):
            (name,), (feature,) = _fields(pair, 1), _fields(pair, 2)
            name = name.decode("utf-8")
            if name in SCHEMA:
                found[name] = _value(feature, SCHEMA[name].kind)
    lacking = [name for name in SCHEMA if name not in found]
    if lacking:
        raise ValueError(f"no feature {', '.join(lacking)}")
    return found


def _value(feature: bytes, kind: str) -> Value:
    (values,) = _fields(feature, _BYTES if kind == "bytes" else _FLOATS)
    (value,) = _fields(values, 1)
    return value if kind == "bytes" else struct.unpack("<f", value)[0]


def _fields(message: bytes, wanted: int) -> list[bytes]:
    """Return the contents of the fields with the number `wanted` that hold bytes."""
    found, place = [], 0
    while place < len(message):
        key, place = _number(message, place)
        kind = key & 7
        if kind == 0:
            _, place = _number(message, place)
            continue
        if kind == 2:
            size, place = _number(message, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of kind {kind}")
        if place + size > len(message):
            raise ValueError("a field beyond the end")
        if key >> 3 == wanted:
            found.append(message[place : place + size])
        place += size
    return found


def _number(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
        if shift > 63:
            raise ValueError("a number too long")


def masked_crc32c(content: bytes) -> int:
    """Return the checksum that TFRecord files hold: CRC-32C, rotated, plus a constant.

    >>> hex(masked_crc32c(b"123456789"))
    '0xc78ab0e5'
    """
    table, crc = _crc_table(), 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@functools.cache
def _crc_table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = (value >> 1) ^ (_CASTAGNOLI if value & 1 else 0)
        return value

    return tuple(entry(value) for value in range(256))


def _damaged(path: Path, what: str) -> DataError:
    return DataError(
        "A record shard must be whole; see what is wrong by `keras-dldl records verify`. "
        f"Received: {path} ({what})"
    )
