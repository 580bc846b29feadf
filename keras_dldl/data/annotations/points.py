"""Landmark files: the points of one face, as text or binary."""

import struct
from pathlib import Path

from keras_dldl.data.annotations.objects import number
from keras_dldl.errors import DataError
from keras_dldl.text_files import lines_of, read_bytes, read_text

Points = list[tuple[float, float]]


def read_points(path: Path) -> Points:
    """Return the points of a landmark file, x and y in pixels; none where it holds none.

    Forms: text of `version`, `n_points` and a line a point in braces (FG-NET); the same without
    braces; binary little-endian, an int32 count and two float32 a point (SCUT-FBP5500).

    Raises:
        DataError: the file has another form; names the line where it is text.
    """
    content = read_bytes(path)
    if len(content) >= 4:
        (count,) = struct.unpack("<i", content[:4])
        if 0 <= count and len(content) == 4 + 8 * count:
            values = struct.unpack(f"<{2 * count}f", content[4:])
            return list(zip(values[::2], values[1::2], strict=True))
    return _text_points(path)


def _text_points(path: Path) -> Points:
    points, promised = [], None
    for line, text in enumerate(lines_of(read_text(path)), 1):
        key, colon, value = text.partition(":")
        if colon:
            promised = number(value) if key.strip() == "n_points" else promised
            continue
        if not text.strip(" \t{}"):
            continue
        pair = [number(part) for part in text.split()]
        if len(pair) != 2 or None in pair:
            raise DataError(f"{path}: line {line}: must be x and y. Received: {text.strip()!r}")
        points.append((pair[0], pair[1]))
    if promised not in (None, len(points)):
        raise DataError(f"{path}: must hold {promised:g} points. Received: {len(points)}")
    return points
