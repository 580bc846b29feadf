"""How a picture must be turned, read from its EXIF block by operations of a TensorFlow graph.

EXIF is a TIFF header and a table of entries, held in the segment APP1 of a JPEG file or in the
chunk eXIf of a PNG file. Nothing here can fail: a damaged block leaves the picture as it is.
"""

from typing import Any

import tensorflow as tf

# An EXIF block is at most 64 KiB long and stands at the beginning, after at most a few others.
BYTES_READ = 2**18
TAG = 0x0112  # "Orientation", 1 ... 8
MOST_ENTRIES = 512
MOST_SEGMENTS = 128  # else a file made of empty ones would hold the server up
NOWHERE = -1


class _Bytes:
    """Whole numbers at places in a string of bytes; what lies outside is 0."""

    def __init__(self, encoded: Any):
        head = tf.strings.substr(encoded, 0, BYTES_READ)
        values = tf.cast(tf.io.decode_raw(head, tf.uint8), tf.int64)
        self.size = tf.size(values, tf.int64)
        self.values = tf.concat([values, tf.zeros([1], tf.int64)], 0)

    def at(self, place: Any) -> Any:
        outside = (place < 0) | (place >= self.size)
        return tf.gather(self.values, tf.where(outside, self.size, place))

    def number(self, place: Any, length: int, little_endian: Any = False) -> Any:
        parts = [self.at(place + k) for k in range(length)]
        big = sum(part * 256 ** (length - 1 - k) for k, part in enumerate(parts))
        little = sum(part * 256**k for k, part in enumerate(parts))
        return tf.where(little_endian, little, big)

    def spell(self, place: Any, text: bytes) -> Any:
        return tf.equal(self.number(place, len(text)), int.from_bytes(text, "big"))


def orientation(encoded: Any) -> Any:
    """Return EXIF's orientation of a JPEG or PNG file.

    Args:
        encoded: scalar string, the file.

    Returns:
        Scalar int64, 1 ... 8; 1, upright, where there is none or it is damaged.
    """
    content = _Bytes(encoded)
    is_png = content.spell(tf.constant(0, tf.int64), b"\x89PNG")
    start = tf.cond(is_png, lambda: _in_png(content), lambda: _in_jpeg(content))
    return tf.cond(start > 0, lambda: _in_tiff(content, start), lambda: tf.ones((), tf.int64))


def upright(face: Any, turn: Any) -> Any:
    """Turn a square picture as its orientation says.

    Args:
        face: (S, S, 3). Turning a square after resizing gives what resizing after turning does.
        turn: scalar int64, 1 ... 8.
    """

    def is_any(*turns: int) -> Any:
        return tf.reduce_any(tf.equal(turn, tf.constant(turns, tf.int64)))

    face = tf.cond(is_any(5, 6, 7, 8), lambda: tf.transpose(face, [1, 0, 2]), lambda: face)
    face = tf.cond(is_any(2, 3, 6, 7), lambda: face[:, ::-1], lambda: face)
    return tf.cond(is_any(3, 4, 7, 8), lambda: face[::-1], lambda: face)


def _in_jpeg(content: _Bytes) -> Any:
    """Return where the TIFF header begins, or `NOWHERE`."""

    def is_exif(place):
        return content.spell(place, b"\xff\xe1") & content.spell(place + 4, b"Exif\0\0")

    def goes_on(place):
        # Segments before the pixels: a marker 0xFF.., not the start of scan, and a length.
        is_marker = tf.equal(content.at(place), 0xFF) & ~content.spell(place, b"\xff\xda")
        return is_marker & ~is_exif(place)

    def further(place):
        is_padding = tf.equal(content.at(place + 1), 0xFF)
        return place + tf.where(is_padding, tf.ones_like(place), 2 + content.number(place + 2, 2))

    place = _walked(goes_on, further, 2)
    return tf.where(is_exif(place), place + 10, NOWHERE)


def _in_png(content: _Bytes) -> Any:
    """Return where the TIFF header begins, or `NOWHERE`."""

    def is_exif(place):
        return content.spell(place + 4, b"eXIf")

    def goes_on(place):
        return (place < content.size) & ~is_exif(place)

    def further(place):
        return place + 12 + content.number(place, 4)  # length, name, content, checksum

    place = _walked(goes_on, further, 8)
    return tf.where(is_exif(place), place + 8, NOWHERE)


def _walked(goes_on: Any, further: Any, start: int) -> Any:
    begin = [tf.constant(start, tf.int64)]
    return tf.while_loop(goes_on, further, begin, maximum_iterations=MOST_SEGMENTS)[0]


def _in_tiff(content: _Bytes, start: Any) -> Any:
    """Return the orientation from the TIFF header at `start`; 1 where it has none."""
    little = content.spell(start, b"II")
    table = start + content.number(start + 4, 4, little)
    count = tf.minimum(content.number(table, 2, little), MOST_ENTRIES)
    entries = table + 2 + 12 * tf.range(count)
    is_ours = tf.equal(content.number(entries, 2, little), TAG)
    values = tf.boolean_mask(content.number(entries + 8, 2, little), is_ours)
    value = tf.concat([tf.ones([1], tf.int64), values], 0)[-1]
    return tf.where((value >= 1) & (value <= 8), value, tf.ones_like(value))
