"""The small parts of a synthetic face: eyes, brows, nose, mouth, wrinkles, spots, glasses."""

import numpy as np

from keras_dldl.data.synthetic.canvas import Canvas, curve, ellipse, mirror, mix
from keras_dldl.data.synthetic.traits import Traits

_BOTH_SIDES = (1.0, -1.0)
_DARK = (24, 18, 18)
_SHADOW = (70, 34, 26)
_EYE_WHITE = (238, 234, 228)


def draw_eyes(canvas: Canvas, traits: Traits) -> None:
    """Draw both eyes: white, iris, pupil, light spot, lashes, fold of the lid."""
    size = traits.proportions
    for side in _BOTH_SIDES:
        _draw_eye(canvas, traits, side * size["eye_x"], side)


def _draw_eye(canvas: Canvas, traits: Traits, x: float, side: float) -> None:
    size = traits.proportions
    half_width, height, iris = size["eye_width"], size["eye_height"], size["iris"]
    t = np.linspace(-1.0, 1.0, 15)
    # The outer corner sits a little higher in youth and sinks with hanging skin.
    slant = -0.025 * t * side * (1.0 - 2.0 * traits.sagging)
    upper = np.stack([x + half_width * t, -height * (1.0 - t**2) ** 0.75 + slant], axis=1)
    lower = np.stack([x + half_width * t, 0.72 * height * (1.0 - t**2) + slant], axis=1)
    white = mix(_EYE_WHITE, traits.skin, 0.10 + 0.12 * traits.sagging)
    canvas.fill(np.concatenate([upper, lower[::-1]]), white, cover=True)
    for radius, colour in (
        (iris, mix(traits.iris, _DARK, 0.45)),
        (iris * 0.84, traits.iris),
        (iris * 0.45, _DARK),
    ):
        disc = ellipse(x, 0.0, radius, radius, 20)
        above = np.interp(disc[:, 0], upper[:, 0], upper[:, 1])
        below = np.interp(disc[:, 0], lower[:, 0], lower[:, 1])
        disc[:, 1] = np.clip(disc[:, 1], above, below)
        canvas.fill(disc, colour)
    canvas.fill(ellipse(x + 0.03, -0.035, 0.024, 0.024, 10), (250, 250, 250))
    lashes = 0.050 if traits.gender == "female" else 0.036
    canvas.stroke(upper, mix(_DARK, traits.skin, 0.12), lashes)
    canvas.stroke(lower[2:-2], mix(traits.skin, _SHADOW, 0.55), 0.02)
    canvas.crease(upper[1:-1] - (0.0, 0.055 - 0.02 * traits.sagging), 0.32, 0.025)


def draw_brows(canvas: Canvas, traits: Traits) -> None:
    """Draw both brows; babies' are thin and pale, old people's thin and grey."""
    size = traits.proportions
    y, thick = size["brow_y"], traits.brow_thickness
    arch = curve(
        [
            (0.18, y + 0.05),
            (0.42, y - 0.02),
            (0.62, y - 0.03),
            (0.80, y + 0.07 + 0.05 * traits.sagging),
        ]
    )
    thickness = thick * np.interp(arch[:, 0], (0.18, 0.35, 0.80), (0.8, 1.0, 0.3))[:, None] / 2
    outline = np.concatenate([arch - thickness * (0, 1), (arch + thickness * (0, 1))[::-1]])
    colour = mix(traits.skin, traits.brow, 0.30 + 0.5 * traits.hair_cover - 0.2 * traits.wrinkles)
    for side in _BOTH_SIDES:
        canvas.fill(mirror(outline, side), colour)


def draw_nose(canvas: Canvas, traits: Traits) -> None:
    """Draw nostrils and wings; the bridge is left to the shading."""
    y, width = traits.proportions["nose_y"], traits.proportions["nose_width"]
    wing = curve(
        [
            (width * 0.95, y - 0.07),
            (width * 1.12, y + 0.0),
            (width * 0.98, y + 0.08),
            (width * 0.7, y + 0.09),
        ]
    )
    for side in _BOTH_SIDES:
        canvas.fill(
            ellipse(side * width * 0.45, y + 0.075, width * 0.24, 0.032, 14),
            mix(traits.skin, _SHADOW, 0.8),
        )
        canvas.stroke(mirror(wing, side), mix(traits.skin, _SHADOW, 0.42), 0.03)
    base = curve([(-width * 0.35, y + 0.095), (0.0, y + 0.12), (width * 0.35, y + 0.095)])
    canvas.stroke(base, mix(traits.skin, _SHADOW, 0.4), 0.028)


def mouth_corner_y(traits: Traits) -> float:
    """Return how far below the eyes the corners of the mouth are: a smile lifts them."""
    return traits.proportions["mouth_y"] - 0.05 * traits.smile + 0.03 * traits.sagging


def draw_mouth(canvas: Canvas, traits: Traits) -> None:
    """Draw the lips and the line between them."""
    size = traits.proportions
    y, width, lip = size["mouth_y"], size["mouth_width"], size["lip"]
    corner = mouth_corner_y(traits)
    middle = curve(
        [
            (-width, corner),
            (-width * 0.5, y + 0.01),
            (0.0, y + 0.012),
            (width * 0.5, y + 0.01),
            (width, corner),
        ]
    )
    bow = curve(
        [
            (width, corner),
            (width * 0.5, y - lip * 0.62),
            (width * 0.16, y - lip),
            (0.0, y - lip * 0.78),
            (-width * 0.16, y - lip),
            (-width * 0.5, y - lip * 0.62),
            (-width, corner),
        ]
    )
    below = curve(
        [
            (width, corner),
            (width * 0.55, y + lip * 1.05),
            (0.0, y + lip * 1.35),
            (-width * 0.55, y + lip * 1.05),
            (-width, corner),
        ]
    )
    red = (176, 62, 66) if traits.gender == "female" else (150, 74, 68)
    colour = mix(traits.skin, red, 0.52 - 0.22 * traits.wrinkles)
    canvas.fill(np.concatenate([middle, below]), mix(colour, (255, 220, 210), 0.08), cover=True)
    canvas.fill(np.concatenate([middle, bow]), mix(colour, _SHADOW, 0.25), cover=True)
    canvas.stroke(middle, mix(_DARK, colour, 0.25), 0.034)


def draw_wrinkles(canvas: Canvas, traits: Traits) -> None:
    """Draw forehead lines, crow's feet, folds beside nose and mouth, lines under the eyes."""
    depth = 0.55 * traits.wrinkles
    size = traits.proportions
    brow, gap = size["brow_y"], 0.125
    for row in range(4):
        y = brow - 0.17 - gap * row
        half = 0.62 - 0.08 * row
        line = curve(
            [
                (-half, y + 0.03),
                (-half / 2, y - 0.03),
                (0.0, y),
                (half / 2, y - 0.03),
                (half, y + 0.03),
            ]
        )
        canvas.crease(line, depth - 0.07 * row, 0.035)
    for side in _BOTH_SIDES:
        _draw_side_wrinkles(canvas, traits, side, depth)


def _draw_side_wrinkles(canvas: Canvas, traits: Traits, side: float, depth: float) -> None:
    size = traits.proportions
    nose, width = size["nose_y"], size["nose_width"]
    mouth, half = size["mouth_y"], size["mouth_width"]
    outer = size["eye_x"] + size["eye_width"] + 0.03
    for rise in (-0.10, -0.01, 0.09):
        feet = curve([(outer, rise * 0.4), (outer + 0.08, rise), (outer + 0.15, rise * 1.9 + 0.02)])
        canvas.crease(mirror(feet, side), depth)
    fold = [
        (width * 1.15, nose - 0.03),
        (half + 0.02, (nose + mouth) / 2),
        (half + 0.12, mouth + 0.02),
    ]
    # Even the young have a faint fold, more so when they smile.
    faint = 0.05 + 0.06 * max(0.0, traits.smile)
    canvas.crease(mirror(curve(fold), side), faint + 0.9 * depth, 0.04)
    sink = [(half + 0.04, mouth + 0.05), (half + 0.05, mouth + 0.17), (half + 0.01, mouth + 0.30)]
    canvas.crease(mirror(curve(sink), side), 0.8 * traits.sagging * 0.6, 0.035)
    for drop in (0.16, 0.22):
        bag = [
            (size["eye_x"] - 0.18, drop - 0.03),
            (size["eye_x"], drop + 0.03),
            (size["eye_x"] + 0.2, drop - 0.04),
        ]
        canvas.crease(mirror(curve(bag), side), 0.75 * depth, 0.025)
    canvas.crease(np.array([(side * 0.06, -0.36), (side * 0.07, -0.20)]), 0.9 * depth)
    for place in (0.08, 0.2, 0.3):
        lip = [(side * place, mouth - 0.20), (side * place * 0.95, mouth - 0.11)]
        canvas.crease(np.array(lip), 0.7 * (depth - 0.25), 0.025)


def draw_spots(canvas: Canvas, traits: Traits, rng: np.random.Generator) -> None:
    """Draw the brown spots of old skin on forehead and cheeks."""
    places = rng.uniform((-0.8, -0.8), (0.8, 0.6), (14, 2))
    radii = rng.uniform(0.015, 0.04, 14)
    colour = mix(traits.skin, (110, 70, 48), 0.4)
    for (x, y), radius in list(zip(places, radii, strict=True))[: round(14 * traits.spots)]:
        canvas.fill(ellipse(x, y, radius, radius * 0.8, 10), colour)


def draw_glasses(canvas: Canvas, traits: Traits) -> None:
    """Draw a thin frame around the eyes, for those who wear one."""
    if not traits.glasses:
        return
    x = traits.proportions["eye_x"]
    frame = mix(traits.clothes, _DARK, 0.7)
    for side in _BOTH_SIDES:
        ring = ellipse(side * x, 0.03, 0.32, 0.25)
        canvas.stroke(np.concatenate([ring, ring[:2]]), frame, 0.035)
        canvas.stroke(np.array([(side * (x + 0.32), -0.02), (side * 0.98, -0.06)]), frame, 0.035)
    canvas.stroke(curve([(-x + 0.31, -0.02), (0.0, -0.06), (x - 0.31, -0.02)]), frame, 0.035)
