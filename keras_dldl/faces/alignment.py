"""A similarity transform of a face onto one template, by five points."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from keras_dldl.errors import ConfigError

# Mean shape in units of the distance between the eyes, origin midway between them: left eye, right
# eye (as the viewer sees them), nose tip, left and right mouth corner. Medians of what the detector
# returns on some hundred frontal faces, made symmetrical and rounded.
MEAN_SHAPE = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.60], [-0.445, 1.04], [0.445, 1.04]])

# The face without margin is a square of this many eye distances, from the middle of the forehead to
# the chin; its centre lies this far below the eyes.
FACE_SIDE = 2.4
CENTRE_BELOW_EYES = 0.45

# Pixels between the eyes of the mean shape when it is fitted to five points. With less they are one
# point: far under what any detector sees as a face, far over the rounding of coordinates.
MIN_EYE_DISTANCE = 0.1


def spans_a_face(landmarks: np.ndarray) -> bool:
    """Return whether a face can be cut out by these points; `Alignment.align` then does it.

    Args:
        landmarks: (5, 2), x and y in pixels.

    >>> spans_a_face(MEAN_SHAPE * 40), spans_a_face(np.full((5, 2), 7.0))
    (True, False)
    """
    points = np.asarray(landmarks, np.float64)
    if not np.isfinite(points).all():
        return False
    return abs(_scale(_as_complex(MEAN_SHAPE), _as_complex(points))) >= MIN_EYE_DISTANCE


@dataclass(frozen=True)
class Alignment:
    """How a face is cut out: the five points go onto a mean shape, upright, in a square crop.

    Five points and a similarity transform are the paper's (Gao et al. 2020, section 5.1); the
    template is this package's own. It travels inside every saved model, so that prediction
    cuts faces as training did.

    Args:
        margin: border added around the face, as a share of its side, in [0, 2]. 0.16 shows hair
            line, ears and chin.

    >>> Alignment(margin=0.16).template(100).round(1).tolist()[0]
    [32.0, 33.8]
    """

    margin: float = 0.16

    def __post_init__(self):
        if not (math.isfinite(self.margin) and 0 <= self.margin <= 2):
            raise ConfigError(
                "`margin` must be a share of the face's side in [0, 2]. "
                f"Received: margin={self.margin}"
            )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, as stored in model files."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Alignment":
        """Make an alignment from `get_config()`."""
        return cls(**config)

    def template(self, size: int) -> np.ndarray:
        """Return where the five points go, (5, 2) as x, y in pixels of a `size` x `size` crop."""
        side = FACE_SIDE * (1 + self.margin)
        return ((MEAN_SHAPE - [0.0, CENTRE_BELOW_EYES]) / side + 0.5) * size

    def align(self, image: np.ndarray, landmarks: np.ndarray, size: int) -> np.ndarray:
        """Cut out one face.

        What lies outside the image is filled with its edge pixels.

        Args:
            image: (H, W, 3) uint8 RGB.
            landmarks: (5, 2), x and y in pixels.
            size: side of the crop in pixels.

        Returns:
            (size, size, 3) uint8 RGB.

        Raises:
            ValueError: the points are one point, or no numbers; see `spans_a_face`.
        """
        scale, shift = _similarity(self.template(size), np.asarray(landmarks, np.float64))
        # Where a crop pixel covers several image pixels, sample finer and average: no aliasing.
        finer = max(1, math.ceil(abs(scale) - 1e-6))
        fine_size = size * finer
        scale /= finer
        corners = np.array([0, fine_size, 1j * fine_size, fine_size * (1 + 1j)]) * scale + shift
        region, origin = _region(image, corners)
        shift -= complex(*origin)
        return _warp(region, scale, shift, fine_size, finer)

    def whole(self, image: np.ndarray, size: int) -> np.ndarray:
        """Return the whole image as a crop, for where no face is found (METHOD: "the whole image").

        The sides are squeezed to a square, as the reference code does.

        Args:
            image: (H, W, 3) uint8 RGB.
            size: side of the crop in pixels.

        Returns:
            (size, size, 3) uint8 RGB.
        """
        from PIL import Image

        if image.shape[:2] == (size, size):
            return np.ascontiguousarray(image)
        resized = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
        return np.asarray(resized)


def _similarity(source: np.ndarray, target: np.ndarray) -> tuple[complex, complex]:
    """Return a, b of the least-squares similarity `target = a source + b` in complex numbers.

    With points as complex numbers the best rotation, scale and shift without mirroring (Umeyama
    1991) are one quotient; that saves importing a library where a cold start counts.
    """
    points, images = _as_complex(source), _as_complex(target)
    scale = _scale(points, images) if np.isfinite(target).all() else 0.0
    if not abs(scale) > 1e-9:
        raise ValueError(f"The five points must span a face. Received: landmarks={target.tolist()}")
    return scale, complex(images.mean() - scale * points.mean())


def _as_complex(points: np.ndarray) -> np.ndarray:
    return points[:, 0] + 1j * points[:, 1]


def _scale(points: np.ndarray, images: np.ndarray) -> complex:
    """Return scale and rotation of the best similarity as one number."""
    centred = points - points.mean()
    return complex(np.vdot(centred, images - images.mean()) / np.vdot(centred, centred).real)


def _region(image: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the part of `image` that `corners` span, edges repeated, and its x, y origin."""
    height, width = image.shape[:2]
    left, right = math.floor(corners.real.min()) - 2, math.ceil(corners.real.max()) + 3
    top, bottom = math.floor(corners.imag.min()) - 2, math.ceil(corners.imag.max()) + 3
    columns = np.clip(np.arange(left, right), 0, width - 1)
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    return image[rows[:, None], columns[None, :]], (left, top)


def _warp(
    region: np.ndarray, scale: complex, shift: complex, fine_size: int, finer: int
) -> np.ndarray:
    from PIL import Image

    # x_in = Re(scale * (x + iy) + shift), y_in = Im(...), in Pillow's order of coefficients.
    matrix = (scale.real, -scale.imag, shift.real, scale.imag, scale.real, shift.imag)
    picture = Image.fromarray(region).transform(
        (fine_size, fine_size), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )
    if finer > 1:
        picture = picture.reduce(finer)
    return np.asarray(picture)
