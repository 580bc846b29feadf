"""Where a synthetic face is drawn: face coordinates, pose, and four layers put together at the end.

Face coordinates: the origin lies midway between the eyes, x to the viewer's right, y down, and
the unit is half the width of the face. Every part is drawn in them, so pose is applied once, here.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]

_SUPERSAMPLING = 2
_NEUTRAL = 128  # a shading layer multiplies the colours by value / 128


@dataclass(frozen=True)
class Pose:
    """How the head sits in the picture: nothing here depends on age.

    Attributes:
        scale: pixels per face unit.
        origin: (x, y) pixels of the point midway between the eyes.
        roll: tilt in radians, positive turns clockwise as the viewer sees it.
        yaw, nod: how far the middle of the face shifts to the right and down, in face units.
    """

    scale: float
    origin: tuple[float, float]
    roll: float
    yaw: float
    nod: float

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """Map (N, 2) face coordinates to (N, 2) pixels."""
        x, y = points[:, 0], points[:, 1]
        # The head is a half ellipsoid: its middle moves most when it turns, its outline not at all.
        relief = np.sqrt(np.maximum(0.0, 1.0 - x**2 - (y / 1.6) ** 2))
        x, y = x + self.yaw * relief, y + self.nod * relief
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        turned = np.stack([cos * x - sin * y, sin * x + cos * y], axis=1)
        return turned * self.scale + np.asarray(self.origin)

    def to_face(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the face coordinates x, y, each (size, size), of every pixel of a picture."""
        row, column = np.mgrid[0:size, 0:size].astype(np.float32) + 0.5
        dx = (column - self.origin[0]) / self.scale
        dy = (row - self.origin[1]) / self.scale
        cos, sin = np.float32(np.cos(self.roll)), np.float32(np.sin(self.roll))
        return cos * dx + sin * dy, cos * dy - sin * dx


@dataclass(frozen=True)
class Light:
    """Light on the picture: nothing here depends on age.

    Attributes:
        direction: unit vector (x, y, z) towards the light, z towards the viewer.
        contrast: how much darker the unlit side is, 0...1.
        gain: (3,) factors on red, green and blue.
    """

    direction: tuple[float, float, float]
    contrast: float
    gain: tuple[float, float, float]


def curve(points: np.ndarray | list, closed: bool = False, steps: int = 8) -> np.ndarray:
    """Return a smooth (Catmull-Rom) line through (N, 2) points, `steps` samples per piece."""
    points = np.asarray(points, dtype=np.float64)
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate(
            [2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]]
        )
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[:, None, None]
    p0, p1, p2, p3 = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    pieces = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    line = pieces.transpose(1, 0, 2).reshape(-1, 2)
    return line if closed else np.concatenate([line, points[-1:]])


def ellipse(
    x: float, y: float, half_width: float, half_height: float, steps: int = 28
) -> np.ndarray:
    """Return the (steps, 2) outline of an ellipse centred at (x, y)."""
    angle = np.linspace(0.0, 2 * np.pi, steps, endpoint=False)
    return np.stack([x + half_width * np.cos(angle), y + half_height * np.sin(angle)], axis=1)


def mirror(points: np.ndarray | list, side: float) -> np.ndarray:
    """Return points drawn for the viewer's right half of the face on the given side (1 or -1)."""
    return np.asarray(points, dtype=np.float64) * (side, 1.0)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blend two colours; `share` 0...1 is how much of the second one shows."""
    return tuple(round(a + (b - a) * share) for a, b in zip(first, second, strict=True))


class Canvas:
    """Four layers of one picture: colours, soft shading, fine lines, and what is person.

    Args:
        size: width and height of the picture in pixels.
        pose: from face coordinates to pixels.
        background: colour behind the person.
    """

    def __init__(self, size: int, pose: Pose, background: Colour) -> None:
        self.size = size
        self.pose = pose
        fine_size = (size * _SUPERSAMPLING,) * 2
        self._colours = Image.new("RGB", fine_size, background)
        self._lines = Image.new("L", fine_size, _NEUTRAL)
        # Blurred anyway, so these two need no supersampling.
        self._soft = Image.new("L", (size, size), _NEUTRAL)
        self._person = Image.new("L", (size, size), 0)
        self._colour_pen = ImageDraw.Draw(self._colours)
        self._line_pen = ImageDraw.Draw(self._lines)
        self._soft_pen = ImageDraw.Draw(self._soft)
        self._person_pen = ImageDraw.Draw(self._person)

    def _pixels(self, points: np.ndarray, factor: int) -> list[float]:
        return (self.pose.to_pixels(np.asarray(points)) * factor).ravel().tolist()

    def fill(
        self, points: np.ndarray, colour: Colour, person: bool = False, cover: bool = False
    ) -> None:
        """Fill a closed shape.

        Args:
            points: (N, 2) outline in face coordinates.
            colour: red, green, blue, each 0...255.
            person: whether the shape is part of the person's outline, lit as a body.
            cover: whether it hides the fine lines drawn before (hair over wrinkles).
        """
        flat = self._pixels(points, _SUPERSAMPLING)
        self._colour_pen.polygon(flat, fill=colour)
        if cover:
            self._line_pen.polygon(flat, fill=_NEUTRAL)
        if person:
            self._person_pen.polygon([value / _SUPERSAMPLING for value in flat], fill=255)

    def stroke(self, points: np.ndarray, colour: Colour, width: float) -> None:
        """Draw a line of the given width in face units."""
        pixels = max(1, round(width * self.pose.scale * _SUPERSAMPLING))
        self._colour_pen.line(self._pixels(points, _SUPERSAMPLING), colour, pixels)

    def crease(self, points: np.ndarray, depth: float, width: float = 0.03) -> None:
        """Draw a fine dark line; `depth` 0...1 is how dark, and nothing shows below 0.02."""
        if depth < 0.02:
            return
        pixels = max(1, round(width * self.pose.scale * _SUPERSAMPLING))
        value = round(_NEUTRAL * (1.0 - min(depth, 0.9)))
        self._line_pen.line(self._pixels(points, _SUPERSAMPLING), value, pixels)

    def shade(self, points: np.ndarray, amount: float) -> None:
        """Darken (amount < 0) or lighten (amount > 0) a closed shape softly; -1...1."""
        value = int(np.clip(round(_NEUTRAL * (1.0 + amount)), 0, 255))
        self._soft_pen.polygon(self._pixels(points, 1), fill=value)

    def finish(self, light: Light, centre_y: float, half_height: float) -> np.ndarray:
        """Put the layers together under a light.

        Args:
            light: where the light comes from.
            centre_y: middle of the head, face units.
            half_height: half the head's height, face units.

        Returns:
            (size, size, 3) uint8 picture.
        """
        scale = self.pose.scale
        soft = self._soft.filter(ImageFilter.GaussianBlur(0.06 * scale))
        lines = self._lines.filter(ImageFilter.GaussianBlur(0.012 * scale * _SUPERSAMPLING))
        shading = np.asarray(soft, np.float32) * (1.0 / _NEUTRAL**2)
        shading *= np.asarray(lines.reduce(_SUPERSAMPLING), np.float32)
        factor = self._lit(light, shading, centre_y, half_height)
        colours = np.asarray(self._colours.reduce(_SUPERSAMPLING), np.float32)
        picture = colours * factor[..., None] * np.asarray(light.gain, np.float32)
        return (np.clip(picture, 0.0, 255.0) + 0.5).astype(np.uint8)

    def _lit(
        self, light: Light, shading: np.ndarray, centre_y: float, half_height: float
    ) -> np.ndarray:
        """Return (size, size) factors: shading times Lambert's law on the person, a slope behind.

        The law is applied to an ellipsoid as large as the head. The shading stops at the person's
        outline: the shadow under a chin falls on the neck, not on the wall.
        """
        x, y = self.pose.to_face(self.size)
        x, y = x / 1.12, (y - centre_y) / half_height
        lx, ly, lz = (np.float32(value) for value in light.direction)
        behind = 1.0 + 0.08 * light.contrast * (x * lx + y * ly)
        z = np.sqrt(np.maximum(1.0 - x * x - y * y, 0.12))
        lambert = np.clip(x, -1, 1) * lx + np.clip(y, -1, 1) * ly + z * lz
        body = shading * (1.0 + light.contrast * (np.clip(lambert, 0.0, 1.0) - 0.78))
        person = self._person.filter(ImageFilter.GaussianBlur(0.02 * self.pose.scale))
        share = np.asarray(person, np.float32) * (1.0 / 255.0)
        return behind + share * (body - behind)
