"""What a synthetic face looks like: what its age decides, and what is left to chance."""

from dataclasses import dataclass

import numpy as np

from keras_dldl.data.synthetic.canvas import Colour, Light, mix

_SKINS = (
    (247, 214, 190),
    (236, 196, 166),
    (224, 177, 142),
    (206, 156, 120),
    (183, 132, 96),
    (152, 105, 74),
    (121, 82, 58),
)
_HAIRS = ((38, 30, 28), (62, 44, 34), (94, 64, 42), (138, 98, 58), (186, 150, 96), (142, 74, 44))
_IRISES = ((72, 48, 30), (104, 72, 42), (88, 104, 72), (78, 108, 138), (100, 110, 116))
_GREY = (212, 211, 208)

# Age in years against a measure in face units (half a face width), grown-up from about 18 on.
# Children: high forehead, short chin, eyes large and low in the head, small nose and mouth.
_AGES = (0, 2, 5, 9, 13, 18, 40, 65, 100)
_PROPORTIONS = {
    "eye_x": (0.46, 0.46, 0.46, 0.46, 0.465, 0.47, 0.47, 0.47, 0.47),
    "eye_width": (0.255, 0.25, 0.24, 0.23, 0.22, 0.21, 0.205, 0.195, 0.185),
    "eye_height": (0.150, 0.148, 0.140, 0.128, 0.116, 0.105, 0.098, 0.086, 0.070),
    "iris": (0.122, 0.121, 0.118, 0.112, 0.106, 0.100, 0.098, 0.094, 0.090),
    "brow_y": (-0.33, -0.33, -0.32, -0.31, -0.30, -0.29, -0.28, -0.26, -0.24),
    "nose_y": (0.36, 0.39, 0.43, 0.48, 0.52, 0.56, 0.57, 0.60, 0.64),
    "nose_width": (0.17, 0.17, 0.18, 0.19, 0.205, 0.215, 0.22, 0.235, 0.25),
    "mouth_y": (0.64, 0.68, 0.75, 0.83, 0.89, 0.95, 0.96, 0.98, 1.00),
    "mouth_width": (0.29, 0.31, 0.33, 0.36, 0.39, 0.41, 0.42, 0.42, 0.41),
    "lip": (0.085, 0.085, 0.088, 0.092, 0.096, 0.10, 0.090, 0.070, 0.050),
    "chin_y": (0.98, 1.04, 1.14, 1.27, 1.38, 1.48, 1.51, 1.53, 1.54),
    "top_y": (-1.72, -1.68, -1.58, -1.47, -1.40, -1.34, -1.33, -1.32, -1.31),
    "jaw": (0.84, 0.84, 0.80, 0.76, 0.74, 0.74, 0.76, 0.80, 0.83),
    "cheek": (1.00, 0.99, 0.98, 0.96, 0.95, 0.94, 0.94, 0.94, 0.93),
    "neck": (0.46, 0.46, 0.48, 0.50, 0.54, 0.60, 0.63, 0.62, 0.57),
    "hairline": (0.76, 0.73, 0.69, 0.67, 0.66, 0.65, 0.64, 0.64, 0.64),
}


@dataclass(frozen=True)
class Traits:
    """Everything the drawing needs to know; lengths in face units, shares 0...1.

    `proportions` holds the measures named in the table above. `wrinkles`, `grey`, `receding`,
    `sagging` and `spots` grow with age; `hair_cover` is low for babies. The rest is chance.
    """

    age: float
    gender: str
    proportions: dict[str, float]
    wrinkles: float
    grey: float
    receding: float
    sagging: float
    spots: float
    hair_cover: float
    skin: Colour
    hair: Colour
    brow: Colour
    iris: Colour
    background: Colour
    clothes: Colour
    smile: float
    brow_thickness: float
    glasses: bool
    part: float
    hair_length: float
    texture_seed: int


def sample_traits(age: float, rng: np.random.Generator) -> Traits:
    """Draw the traits of one face.

    Args:
        age: years, 0...100.
        rng: where chance comes from; the same state gives the same traits.
    """
    gender = "female" if rng.random() < 0.5 else "male"
    skin = _skin(rng)
    own_hair = _HAIRS[rng.integers(len(_HAIRS))]
    grey = float(np.clip(_rise(age, 55.0 + 5.0 * rng.normal(), 36.0), 0.0, 0.97))
    cover = float(np.interp(age, (0, 2, 5), (0.35, 0.75, 1.0)))
    hair = mix(skin, mix(own_hair, _GREY, grey), cover)
    male = gender == "male"
    return Traits(
        age=age,
        gender=gender,
        proportions=_proportions(age, rng),
        wrinkles=_jitter(float(np.interp(age, (18.0, 40.0, 95.0), (0.0, 0.36, 1.0))), 0.05, rng),
        grey=grey,
        receding=_jitter(_rise(age, 58.0 if male else 75.0, 60.0), 0.05, rng)
        * (1.0 if male else 0.45),
        sagging=_jitter(_rise(age, 60.0, 60.0), 0.05, rng),
        spots=_rise(age, 72.0, 30.0),
        hair_cover=cover,
        skin=skin,
        hair=hair,
        brow=mix(mix(own_hair, (30, 24, 22), 0.3), _GREY, 0.75 * grey),
        iris=_IRISES[rng.integers(len(_IRISES))],
        background=_any_colour(rng, 70, 235),
        clothes=_any_colour(rng, 40, 210),
        smile=float(rng.uniform(-0.2, 1.0)),
        brow_thickness=float((0.075 if male else 0.055) * rng.uniform(0.85, 1.2)),
        glasses=bool(rng.random() < 0.18),
        part=float(rng.uniform(-0.5, 0.5)),
        hair_length=float(np.interp(age, (0, 2, 5), (0.0, 0.45, 1.0)) * rng.uniform(0.75, 1.0)),
        texture_seed=int(rng.integers(2**31)),
    )


def sample_light(rng: np.random.Generator) -> Light:
    """Draw a light from the front, up to 50 degrees to a side, mostly from above."""
    side, height = rng.uniform(-0.87, 0.87), rng.uniform(-0.15, 0.7)
    direction = np.array(
        [np.sin(side) * np.cos(height), -np.sin(height), np.cos(side) * np.cos(height)]
    )
    warmth = rng.uniform(-0.06, 0.06)
    gain = rng.uniform(0.82, 1.04) * np.array([1.0 + warmth, 1.0, 1.0 - warmth])
    return Light(tuple(direction.tolist()), float(rng.uniform(0.35, 0.65)), tuple(gain.tolist()))


def _rise(age: float, middle: float, years: float) -> float:
    """Rise smoothly from 0 to 1 over `years` around the age `middle`."""
    t = float(np.clip((age - middle) / years + 0.5, 0.0, 1.0))
    return t * t * (3.0 - 2.0 * t)


def _jitter(value: float, spread: float, rng: np.random.Generator) -> float:
    # Scaled by the value, so that no child gets wrinkles by chance.
    return float(np.clip(value + spread * rng.normal() * min(1.0, 4.0 * value), 0.0, 1.0))


def _proportions(age: float, rng: np.random.Generator) -> dict[str, float]:
    """Return the measures for an age, each a few percent off, as people are."""
    noise = 1.0 + 0.025 * np.clip(rng.normal(size=len(_PROPORTIONS)), -2.0, 2.0)
    return {
        name: float(np.interp(age, _AGES, values) * factor)
        for (name, values), factor in zip(_PROPORTIONS.items(), noise, strict=True)
    }


def _skin(rng: np.random.Generator) -> Colour:
    place = rng.uniform(0, len(_SKINS) - 1)
    low = min(int(place), len(_SKINS) - 2)
    skin = mix(_SKINS[low], _SKINS[low + 1], place - low)
    return tuple(int(value) for value in np.clip(np.add(skin, rng.integers(-6, 7, 3)), 0, 255))


def _any_colour(rng: np.random.Generator, low: int, high: int) -> Colour:
    """Return a colour, rather muted: pure ones are rare behind people."""
    grey = rng.uniform(low, high)
    return tuple(int(value) for value in np.clip(grey + rng.uniform(-35, 35, 3), 0, 255))
