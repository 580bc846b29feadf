"""A similarity transform of a face onto one template, by five points."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from keras_dldl._utils.arguments import did_you_mean
from keras_dldl.errors import ConfigError
from keras_dldl.faces.cutting import cut

# Mean shape in units of the distance between the eyes, origin midway between them: left eye, right
# eye (as the viewer sees them), nose tip, left and right mouth corner. Medians of what the detector
# returns on some hundred frontal faces, made symmetrical and rounded.
MEAN_SHAPE = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.60], [-0.445, 1.04], [0.445, 1.04]])

# The face without margin is a square of this many eye distances, from the middle of the forehead to
# the chin; its centre lies this far below the eyes.
FACE_SIDE = 2.4
CENTRE_BELOW_EYES = 0.45

# The detectors of this package, the default first.
DETECTORS = ("auto", "mtcnn")

# Pixels between the eyes of the mean shape when it is fitted to five points. Points with less
# coincide: no detector finds so small a face, and the rounding of coordinates is far smaller.
MIN_EYE_DISTANCE = 0.1


def check_detector(name: str) -> str:
    """Return the name of a detector, or raise ConfigError; `module:Class` is not imported."""
    if isinstance(name, str) and (name in DETECTORS or ":" in name):
        return name
    raise ConfigError(
        f"`detector` must be {', '.join(DETECTORS)}, or `module:Class` of your own."
        f"{did_you_mean(name, DETECTORS)} Received: detector={name!r}"
    )


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
    return abs(scale_of(_as_complex(points))) >= MIN_EYE_DISTANCE


def scale_of(points: np.ndarray) -> complex:
    """Return scale and turn of the similarity from the mean shape to five points, as one number.

    Args:
        points: (5,) complex, x + iy.

    >>> points = MEAN_SHAPE @ [1, 1j]
    >>> bool(np.isclose(scale_of(3j * points), 3j))  # three times as large, turned to the right
    True
    """
    return _scale(_as_complex(MEAN_SHAPE), points)


def roll_of(landmarks: np.ndarray) -> float:
    """Return how far a face is turned: degrees clockwise from upright, from -180 to 180.

    Args:
        landmarks: (5, 2), x and y in pixels.

    >>> roll_of(MEAN_SHAPE @ [[0, 1], [-1, 0]])  # (x, y) becomes (-y, x): a turn to the right
    90.0
    """
    turn = scale_of(_as_complex(np.asarray(landmarks, np.float64)))
    return math.degrees(math.atan2(turn.imag, turn.real))


@dataclass(frozen=True)
class Alignment:
    """How a face is cut out: the five points go onto a mean shape, upright, in a square crop.

    Five points and a similarity transform are the paper's (Gao et al. 2020, section 5.1); the
    template is this package's own. It travels inside every saved model, so that prediction
    cuts faces as training did.

    Args:
        margin: border added around the face, as a share of its side, in [0, 2]. 0.16 shows hair
            line, ears and chin.
        detector: what finds the face and its points: "auto", "mtcnn", or `module:Class`; see
            `faces.detectors`. Detectors place the points differently, so a model must be shown
            faces as it was trained on.

    >>> Alignment(margin=0.16).template(100).round(1).tolist()[0]
    [32.0, 33.8]
    """

    margin: float = 0.16
    detector: str = "auto"

    def __post_init__(self):
        if not (math.isfinite(self.margin) and 0 <= self.margin <= 2):
            raise ConfigError(
                "`margin` must be a share of the face's side in [0, 2]. "
                f"Received: margin={self.margin}"
            )
        check_detector(self.detector)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, as stored in model files."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Alignment":
        """Make an alignment from `get_config()`.

        Models and data from before there was a choice say nothing of a detector: it was MTCNN.
        """
        return cls(config["margin"], config.get("detector", "mtcnn"))

    def template(self, size: int) -> np.ndarray:
        """Return where the five points go, (5, 2) as x, y in pixels of a `size` x `size` crop."""
        side = FACE_SIDE * (1 + self.margin)
        return ((MEAN_SHAPE - [0.0, CENTRE_BELOW_EYES]) / side + 0.5) * size

    def scale(self, landmarks: np.ndarray, size: int) -> float:
        """Return how many pixels of the image one of the crop stands for, along a side."""
        return abs(_similarity(self.template(size), np.asarray(landmarks, np.float64))[0])

    def corners(self, landmarks: np.ndarray) -> np.ndarray:
        """Return where the crop's corners lie in the image: (4, 2), from top left, clockwise."""
        scale, shift = _similarity(self.template(1), np.asarray(landmarks, np.float64))
        corners = scale * np.array([0, 1, 1 + 1j, 1j]) + shift
        return np.stack([corners.real, corners.imag], axis=1)

    def share_outside(self, landmarks: np.ndarray, shape: tuple[int, ...]) -> float:
        """Return the share of the crop that lies outside of the image, 0 ... 1.

        Args:
            landmarks: (5, 2), x and y in pixels.
            shape: (H, W, ...) of the image.
        """
        scale, shift = _similarity(self.template(1), np.asarray(landmarks, np.float64))
        steps = (np.arange(32) + 0.5) / 32
        places = (steps[:, None] + 1j * steps) * scale + shift
        inside = (places.real > 0) & (places.real < shape[1])
        return 1 - float((inside & (places.imag > 0) & (places.imag < shape[0])).mean())

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
        return cut(image, scale, shift, size)

    def whole(self, image: np.ndarray, size: int) -> np.ndarray:
        """Return the whole image as a crop, for images without a face (docs/method.md).

        The sides are squeezed to a square, so that nothing is lost. The reference code scales the
        shorter side and cuts out the centre.

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


def as_alignment(alignment: Alignment | dict | None) -> Alignment:
    """Return the alignment meant by one, by its config, or by None: the default."""
    if isinstance(alignment, dict):
        return Alignment.from_config(alignment)
    if alignment is None or isinstance(alignment, Alignment):
        return alignment or Alignment()
    raise ConfigError(
        "`alignment` must be a faces.Alignment, its config or None. "
        f"Received: alignment={alignment!r}"
    )


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
