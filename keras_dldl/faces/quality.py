"""Reasons to doubt a face before any model has judged it: size, sharpness, light, what is drawn.

Plain measures of the aligned crop, well under a millisecond a face. Each threshold lets about one
photo of a face in a hundred through, or fewer; docs/uncertainty.md has the rates.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from keras_dldl.interpreters import is_installed

if TYPE_CHECKING:
    from keras_dldl.faces.alignment import Alignment
    from keras_dldl.faces.face import Face

# Measures of sharpness are comparable at one size only.
SHARPNESS_SIDE = 64
DRAWN_SIDE = 112
LEAST_DRAWN_SIDE = 96
LUMA = np.array([0.299, 0.587, 0.114], np.float32)

LEAST_SIDE = 32
LEAST_SCORE = 0.88
LEAST_SCORE_OF_CROP = 0.5
LEAST_TURN = 45  # degrees
MOST_OUTSIDE = 0.25
LEAST_SHARPNESS = 0.25
LEAST_BRIGHTNESS = 50
MOST_BRIGHTNESS = 215
LEAST_CONTRAST = 20
MOST_DRAWN = 2.5

# O-Net's input, and the share of the crop's side that is cut off for it: crops of the usual margin
# are then as wide as the detector's candidates are.
NETWORK_SIDE = 48
NETWORK_BORDER = 0.06
_LOGGER = logging.getLogger(__name__)


class FaceWarning(NamedTuple):
    """A reason to doubt a prediction: why this face may be unlike those the model has learnt from.

    Attributes:
        code: one word for programs; docs/uncertainty.md lists them.
        text: a sentence for people, without a full stop.
    """

    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


@dataclass(frozen=True)
class Measures:
    """What is measured of a crop.

    Attributes:
        brightness: mean luma, 0 ... 255.
        contrast: standard deviation of the luma.
        sharpness: root mean square of the Laplacian of the middle at 64 x 64 pixels, over its
            contrast; about 4.5 of noise. None of a smaller crop.
        drawn: sharp edges between places without any grain, as photos do not have them: sharpness
            at 112 x 112 times the share of equal neighbours times how far the strongest steps are
            over the usual ones. None of a crop under 96 x 96.
    """

    brightness: float
    contrast: float
    sharpness: float | None
    drawn: float | None


def measure(crop: np.ndarray) -> Measures:
    """Measure an aligned crop, (S, S, 3), 0 ... 255."""
    luma = np.asarray(crop, np.float32) @ LUMA
    side = len(luma)
    return Measures(
        float(luma.mean()),
        float(luma.std()),
        _sharpness(_middle(luma, SHARPNESS_SIDE)) if side >= SHARPNESS_SIDE else None,
        _drawn(_middle(luma, DRAWN_SIDE)) if side >= LEAST_DRAWN_SIDE else None,
    )


def face_warnings(
    crop: np.ndarray, face: "Face | None", picture: tuple[int, int], alignment: "Alignment"
) -> list[FaceWarning]:
    """Return reasons to doubt the prediction for a face.

    Args:
        crop: the aligned face, (S, S, 3), 0 ... 255.
        face: what the detector found; None where it was not asked. Then the last of its networks
            judges the crop, where LiteRT is installed.
        picture: height and width of the picture that the crop is from, in pixels.
        alignment: how it was cut out.
    """
    found = measure(crop)
    return [
        *_of_detection(crop, face, picture),
        *(_of_place(face, picture, alignment) if face is not None else ()),
        *_of_light(found),
        *_of_texture(found),
    ]


def _of_detection(
    crop: np.ndarray, face: "Face | None", picture: tuple[int, int]
) -> list[FaceWarning]:
    found = []
    side = min(picture if face is None else face.box[2:])
    if side < LEAST_SIDE:
        found.append(FaceWarning("small", f"the face is small, {side:.0f} pixels"))
    if face is None:
        score = score_of_crop(crop)
        if score is not None and score < LEAST_SCORE_OF_CROP:
            text = "the picture does not look like an aligned face"
            found.append(FaceWarning("no-face", text))
    elif face.score < LEAST_SCORE:
        text = f"the detector is not sure of the face, its score is {face.score:.2f}"
        found.append(FaceWarning("doubtful", text))
    return found


def _of_place(face: "Face", picture: tuple[int, int], alignment: "Alignment") -> list[FaceWarning]:
    found = []
    if abs(face.roll) >= LEAST_TURN:
        found.append(FaceWarning("turned", f"the face is turned by {face.roll:.0f} degrees"))
    outside = alignment.share_outside(face.landmarks, picture)
    if outside > MOST_OUTSIDE:
        text = f"{100 * outside:.0f} % of what the model sees lies outside of the picture"
        found.append(FaceWarning("cut-off", text))
    return found


def _of_light(found: Measures) -> list[FaceWarning]:
    if found.brightness < LEAST_BRIGHTNESS:
        return [FaceWarning("dark", "the face is very dark")]
    if found.brightness > MOST_BRIGHTNESS:
        return [FaceWarning("bright", "the face is overexposed")]
    if found.contrast < LEAST_CONTRAST:
        return [FaceWarning("flat", "the face has hardly any contrast")]
    return []


def _of_texture(found: Measures) -> list[FaceWarning]:
    if found.sharpness is not None and found.sharpness < LEAST_SHARPNESS:
        return [FaceWarning("blurred", "the face is blurred, or enlarged from a few pixels")]
    if found.drawn is not None and found.drawn > MOST_DRAWN:
        return [FaceWarning("drawn", "the face may be drawn and not photographed")]
    return []


def _middle(luma: np.ndarray, side: int) -> np.ndarray:
    """Return the middle three quarters of an image that is reduced to `side` where it is larger."""
    if len(luma) > side:
        from PIL import Image

        reduced = Image.fromarray(luma).resize((side, side), Image.Resampling.BOX)
        luma = np.asarray(reduced)
    border = len(luma) // 8
    return luma[border:-border, border:-border]


def _sharpness(luma: np.ndarray) -> float:
    across, down = luma[:, :-2] + luma[:, 2:], luma[:-2] + luma[2:]
    laplacian = 4 * luma[1:-1, 1:-1] - across[1:-1] - down[:, 1:-1]
    return float(np.sqrt(np.square(laplacian).mean()) / (luma.std() + 1))


def _drawn(luma: np.ndarray) -> float:
    steps = np.abs(np.diff(luma, axis=1))
    strongest = np.quantile(steps, 0.99) / (np.median(steps) + 0.5)
    return float(_sharpness(luma) * np.mean(steps < 0.5) * strongest)


def score_of_crop(crop: np.ndarray) -> float | None:
    """Return the confidence of the last of MTCNN's networks that a crop is a face, 0 ... 1.

    No detector runs on faces that are cut out already. O-Net (Zhang et al. 2016), which decides on
    MTCNN's candidates last, takes a millisecond per crop and loads in 20.

    Args:
        crop: (S, S, 3), 0 ... 255.

    Returns:
        None where LiteRT, which runs it, is not installed.
    """
    network = _output_network()
    if network is None:
        return None
    from PIL import Image

    border = round(NETWORK_BORDER * len(crop))
    inner = np.asarray(crop)[border : len(crop) - border, border : len(crop) - border]
    pixels = np.clip(np.rint(inner), 0, 255).astype(np.uint8)
    reduced = Image.fromarray(pixels).resize(
        (NETWORK_SIDE, NETWORK_SIDE), Image.Resampling.BILINEAR
    )
    outputs = network((np.asarray(reduced, np.float32)[None] - 127.5) / 128)
    no, yes = outputs.ravel()[-2:].astype(np.float64)
    return float(1 / (1 + np.exp(np.clip(no - yes, -500, 500))))


@cache
def _output_network() -> Callable[[np.ndarray], np.ndarray] | None:
    if not is_installed("litert"):
        return None
    from keras_dldl.faces.detectors.cascade_networks import output_network

    try:
        return output_network()
    except Exception as error:  # such as another release of the package that holds the weights
        _LOGGER.warning("Crops are not checked for faces. Received: %s", error)
        return None
