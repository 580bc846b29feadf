"""Drawn faces whose apparent age changes what is drawn: small, fast, learnable, clearly not real.

They stand in for photos in tests, examples and the demo, so that nobody's picture is needed.
Age sets the proportions of the head, wrinkles, the colour of the hair and the hairline; skin tone,
glasses, background, pose and light are left to chance. The faces are drawn well enough for a face
detector to find them and their five landmarks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_dldl._utils.arguments import check_integer
from keras_dldl.data.synthetic import features, head
from keras_dldl.data.synthetic.canvas import Canvas, Colour, Light, Pose
from keras_dldl.data.synthetic.traits import Traits, sample_light, sample_traits

__all__ = ["SyntheticFace", "draw_crowd", "draw_face", "draw_faces"]

_SMALLEST_SIZE = 32
_OLDEST = 100.0


@dataclass(frozen=True, eq=False)  # arrays have no single truth value to compare by
class SyntheticFace:
    """One drawn face and what is known about it.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        age: apparent age in years, 0...100.
        landmarks: (5, 2) float32 pixels (x, y): left eye, right eye, nose tip, left and right
            corner of the mouth, left and right as the viewer sees them.
        gender: "female" or "male".
    """

    image: np.ndarray
    age: float
    landmarks: np.ndarray
    gender: str


def draw_face(age: float, rng: np.random.Generator, size: int = 160) -> SyntheticFace:
    """Draw one face.

    Args:
        age: apparent age in years, 0...100.
        rng: where everything but age comes from; the same state draws the same face.
        size: width and height of the picture in pixels, 32 or more.

    Raises:
        ValueError: `age` or `size` is out of its range.

    >>> import numpy as np
    >>> face = draw_face(35, np.random.default_rng(0), size=64)
    >>> face.image.shape, face.landmarks.shape, face.age
    ((64, 64, 3), (5, 2), 35.0)
    """
    check_integer("size", size, _SMALLEST_SIZE)
    return _draw(_check_age(age), rng, size)


def draw_faces(
    count: int, seed: int = 0, size: int = 160, *, start: int = 0
) -> Iterator[SyntheticFace]:
    """Draw faces with ages spread evenly at random over 1...90 years.

    Face i depends on nothing but `seed`, `size` and i: a longer run starts with the same faces, and
    several processes can each draw a part of one set.

    Args:
        count: how many faces, 0 or more.
        seed: 0 or more.
        size: width and height of each picture in pixels, 32 or more.
        start: number of the first face, 0 or more.

    Raises:
        ValueError: an argument is out of its range.

    >>> [round(face.age) for face in draw_faces(3, seed=1, size=32)]
    [47, 31, 41]
    >>> [round(face.age) for face in draw_faces(1, seed=1, size=32, start=2)]
    [41]
    """
    check_integer("size", size, _SMALLEST_SIZE)
    for name, value in (("count", count), ("seed", seed), ("start", start)):
        check_integer(name, value, 0)

    def numbered(index: int) -> SyntheticFace:
        rng = np.random.default_rng([seed, index])
        return _draw(float(rng.uniform(1.0, 90.0)), rng, size)

    return map(numbered, range(start, start + count))


def draw_crowd(
    ages: Sequence[float], seed: int = 0, face_size: int = 160
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Draw several faces side by side in one picture.

    Args:
        ages: apparent ages in years from left to right, each 0...100; at least one.
        seed: 0 or more.
        face_size: height of the picture, and width of the room for each face, in pixels.

    Returns:
        The (face_size, face_size * len(ages), 3) uint8 picture, and for each face its (5, 2)
        float32 landmarks in the pixels of that picture.

    Raises:
        ValueError: `ages` is empty, or an argument is out of its range.

    >>> picture, landmarks = draw_crowd([8, 30, 65])
    >>> picture.shape, len(landmarks)
    ((160, 480, 3), 3)
    """
    check_integer("face_size", face_size, _SMALLEST_SIZE)
    check_integer("seed", seed, 0)
    checked = [_check_age(age) for age in ages]
    if not checked:
        raise ValueError("`ages` is empty. It must hold at least one age. Received: ages=[]")
    # Three numbers, so that no face of the crowd shares this stream.
    common = np.random.default_rng([seed, 0, 1])
    behind = sample_traits(30.0, common).background
    # From straight ahead: light from a side would break at every seam.
    light = replace(sample_light(common), direction=(0.0, -0.3, 0.954))
    pictures, marks = [], []
    for place, age in enumerate(checked):
        face = _draw(age, np.random.default_rng([seed, place]), face_size, behind, light)
        pictures.append(face.image)
        marks.append(face.landmarks + np.float32((face_size * place, 0)))
    return np.concatenate(pictures, axis=1), marks


def _draw(
    age: float,
    rng: np.random.Generator,
    size: int,
    background: Colour | None = None,
    light: Light | None = None,
) -> SyntheticFace:
    traits = sample_traits(age, rng)
    pose = _sample_pose(traits, size, rng)
    own_light = sample_light(rng)
    light = light or own_light
    canvas = Canvas(size, pose, background or traits.background)
    details = np.random.default_rng(traits.texture_seed)
    head.draw_back_hair(canvas, traits)
    head.draw_body(canvas, traits)
    head.draw_skull(canvas, traits)
    head.shade_head(canvas, traits, light)
    features.draw_spots(canvas, traits, details)
    features.draw_wrinkles(canvas, traits)
    features.draw_nose(canvas, traits)
    features.draw_mouth(canvas, traits)
    features.draw_eyes(canvas, traits)
    features.draw_brows(canvas, traits)
    head.draw_front_hair(canvas, traits, details)
    features.draw_glasses(canvas, traits)
    top, chin = traits.proportions["top_y"], traits.proportions["chin_y"]
    image = canvas.finish(light, (top + chin) / 2, (chin - top) / 2 * 1.1)
    return SyntheticFace(image, age, _landmarks(traits, pose), traits.gender)


def _sample_pose(traits: Traits, size: int, rng: np.random.Generator) -> Pose:
    scale = size * rng.uniform(0.215, 0.275)
    roll = float(np.clip(0.1 * rng.normal(), -0.25, 0.25))
    middle = (traits.proportions["top_y"] + traits.proportions["chin_y"]) / 2
    room = 0.035 * size
    x = size / 2 + rng.uniform(-room, room) + scale * middle * np.sin(roll)
    y = 0.475 * size + rng.uniform(-room, room) - scale * middle * np.cos(roll)
    yaw, nod = rng.uniform(-0.12, 0.12), rng.uniform(-0.06, 0.06)
    return Pose(float(scale), (float(x), float(y)), roll, float(yaw), float(nod))


def _landmarks(traits: Traits, pose: Pose) -> np.ndarray:
    size = traits.proportions
    eye, mouth = size["eye_x"], size["mouth_width"]
    corner = features.mouth_corner_y(traits)
    points = [(-eye, 0.0), (eye, 0.0), (0.0, size["nose_y"]), (-mouth, corner), (mouth, corner)]
    return pose.to_pixels(np.array(points)).astype(np.float32)


def _check_age(age: float) -> float:
    # Written so that NaN fails too.
    if not 0.0 <= age <= _OLDEST:
        raise ValueError(f"`age` is out of range. It must be 0...100 years. Received: age={age}")
    return float(age)
