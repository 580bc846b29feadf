"""From the landmarks that data sets publish to the five points by which faces are aligned.

Functions named `from_...` return ten numbers x1 y1 ... x5 y5 in the image's pixels: left eye and
right eye as the viewer sees them, nose tip, left and right mouth corner; None if they span no face.
"""

import logging
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl._utils.text_files import lines_of, read_bytes, read_text
from keras_dldl.data.annotations.reading import number
from keras_dldl.errors import DataError
from keras_dldl.faces.alignment import MEAN_SHAPE, spans_a_face

log = logging.getLogger(__name__)
Points = list[tuple[float, float]]
FivePoints = tuple[float, ...]

# The template as complex numbers, in eye distances, origin midway between the eyes, y down.
SHAPE = MEAN_SHAPE[:, 0] + 1j * MEAN_SHAPE[:, 1]

# Root mean square distance from the fitted template, in its eye distances. Detected points of 270
# faces came to 0.06, at most 0.16; heads turned far aside have more. Points in another order than
# expected have more still, and must not cut out anything.
LARGEST_MISFIT = 0.4

# The benchmark's aligned box (Paplham and Franc 2024): a square around the point a tenth of the way
# from between the eyes to the mouth, its half side the larger of 1.92 eye distances and 1.89 times
# the way from eyes to mouth; its first corner is the face's upper left, then clockwise.
BOX_CENTRE = 0.1
BOX_EYES, BOX_MOUTH = 1.92, 1.89


def from_68(points: Points) -> FivePoints | None:
    """Return five of the 68 points in the order of iBUG (Sagonas et al. 2013), as in UTKFace."""
    return _five(points, 68, range(36, 42), range(42, 48), [30], [48], [54])


def from_fgnet(points: Points) -> FivePoints | None:
    """Return five of FG-NET's 68 points, whose order is its own: pupils 31, 36, nose tip 67."""
    return _five(points, 68, [31], [36], [67], [48], [54])


def from_scut(points: Points) -> FivePoints | None:
    """Return five of SCUT-FBP5500's 86 points.

    Their order is not published: 0 ... 21 go round the face, 22 ... 41 round the brows, 42 ... 57
    round the eyes, 58 and 59 are the pupils, 60 ... 72 go round the nose, 73 ... 85 round the mouth
    with the corners 73 and 79. The nose's tip is not among them: it is put where the template,
    fitted to the other four points, has it, so that it does not sway the alignment.
    """
    return _five(points, 86, [58], [59], [], [79], [73])


def from_box(corners: Any) -> FivePoints | None:
    """Return the five points of a face like the template inside a benchmark's `aligned_bbox`.

    The box is made from eyes and mouth, see `BOX_CENTRE`. It does not tell how far apart these are,
    so they are put where a face of this package's mean shape has them; the crop is then upright and
    as large as the box says. On 270 faces of three data sets it was 2 % larger than the crop by the
    points themselves, and a corner was off by 0.03 of its side in the median, by 0.11 at most.

    Args:
        corners: x1 y1 ... x4 y4; anything else, such as an empty list where the benchmark found no
            face, gives None.

    >>> points = from_box([0, 0, 393, 0, 393, 393, 0, 393])
    >>> [round(value) for value in points]
    [147, 186, 246, 186, 196, 246, 152, 290, 241, 290]
    """
    values = [number(value) for value in corners] if isinstance(corners, (list, tuple)) else []
    if len(values) != 8 or None in values:
        return None
    a, b, c, d = _complex(np.array(values).reshape(4, 2))
    mouth = MEAN_SHAPE[3:, 1].mean()  # below the eyes
    scale = (b - a + c - d) / 2 / (2 * max(BOX_EYES, BOX_MOUTH * mouth))
    between_eyes = (a + b + c + d) / 4 - BOX_CENTRE * mouth * 1j * scale
    return _checked(between_eyes + scale * SHAPE)


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


class PointFiles:
    """The landmark files below a folder, by the images' names.

    Args:
        root: the data set's folder.
        derive: gets five points from a file's points.
    """

    def __init__(self, root: Path, derive: Callable[[Points], FivePoints | None]):
        self._paths = {path.stem.lower(): path for path in sorted(root.rglob("*.pts"))}
        self._derive = derive
        self._unusable: list[str] = []

    def of(self, image: str) -> FivePoints | None:
        """Return the five points of the image with this file name, or None."""
        path = self._paths.get(Path(image).stem.lower())
        if path is None:
            return None
        try:
            points = self._derive(read_points(path))
        except DataError as error:
            log.debug("%s", error)
            points = None
        if points is None:
            self._unusable.append(path.name)
        return points

    def report(self) -> None:
        """Log which files could not be used: their images' faces are detected."""
        if self._unusable:
            log.warning(
                "%d landmark files hold no usable points, such as %s; the faces of their images "
                "will be detected.",
                len(self._unusable),
                ", ".join(self._unusable[:3]),
            )


def _complex(points: Points | np.ndarray) -> np.ndarray:
    pairs = np.asarray(points, np.float64)
    return pairs[:, 0] + 1j * pairs[:, 1]


def _five(points: Points, count: int, *places: Sequence[int]) -> FivePoints | None:
    """Return the means of the points at five `places` of a list of `count`, if they are a face.

    They are put in the order of the viewer's sides, whatever the list calls left. Without places
    for the nose, it goes where the template has it.
    """
    if len(points) != count:
        return None
    at = _complex(points)
    eye, other_eye, nose, mouth, other_mouth = (
        at[list(place)].mean() if place else None for place in places
    )
    to_right = ((mouth + other_mouth) / 2 - (eye + other_eye) / 2) * -1j
    eyes, corners = (
        sorted(pair, key=lambda at: (at * to_right.conjugate()).real)
        for pair in ((eye, other_eye), (mouth, other_mouth))
    )
    if nose is None:
        scale, shift = _fit(SHAPE[[0, 1, 3, 4]], np.array([*eyes, *corners]))
        nose = scale * SHAPE[2] + shift
    return _checked(np.array([*eyes, nose, *corners]))


def _checked(points: np.ndarray) -> FivePoints | None:
    if not spans_a_face(np.stack([points.real, points.imag], axis=1)):
        return None
    scale, shift = _fit(SHAPE, points)
    misfit = np.sqrt(np.mean(np.abs(points - scale * SHAPE - shift) ** 2)) / abs(scale)
    if misfit > LARGEST_MISFIT:
        return None
    return tuple(round(float(value), 2) for point in points for value in (point.real, point.imag))


def _fit(shape: np.ndarray, points: np.ndarray) -> tuple[complex, complex]:
    """Return scale (and rotation) and shift of the least-squares similarity onto `points`."""
    centred = shape - shape.mean()
    scale = np.vdot(centred, points - points.mean()) / np.vdot(centred, centred).real
    return complex(scale), complex(points.mean() - scale * shape.mean())
