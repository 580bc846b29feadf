"""The large parts of a synthetic face: shoulders, neck, ears, skull, hair, and their shading."""

import numpy as np

from keras_dldl.data.synthetic.canvas import Canvas, Light, curve, ellipse, mirror, mix
from keras_dldl.data.synthetic.traits import Traits

_BOTH_SIDES = (1.0, -1.0)


def draw_back_hair(canvas: Canvas, traits: Traits) -> None:
    """Draw what long hair shows behind the neck; nothing for men."""
    if traits.gender == "male" or traits.hair_length < 0.2:
        return
    top, chin = traits.proportions["top_y"], traits.proportions["chin_y"]
    end = chin * 0.35 + (0.75 * chin + 0.25) * traits.hair_length
    right = [
        (0.0, top - 0.1),
        (0.8, top * 0.85),
        (1.16, -0.35),
        (1.22, 0.4),
        (1.26, end * 0.8),
        (1.05, end),
    ]
    canvas.fill(_both_halves(right), mix(traits.hair, (20, 16, 16), 0.25), person=True)


def draw_body(canvas: Canvas, traits: Traits) -> None:
    """Draw shoulders, neck and ears."""
    chin, neck = traits.proportions["chin_y"], traits.proportions["neck"]
    broad = 1.75 + 0.9 * (neck - 0.46) / 0.17
    right = [
        (0.0, chin + 0.42),
        (neck, chin + 0.3),
        (neck + 0.45, chin + 0.5),
        (broad, chin + 0.85),
    ]
    canvas.fill(_both_halves([*right, (broad + 0.2, chin + 3.0)]), traits.clothes, person=True)
    skin = mix(traits.skin, (90, 50, 40), 0.14)
    right = [
        (neck, chin * 0.4),
        (neck * 0.97, chin + 0.1),
        (neck * 1.08, chin + 0.34),
        (0.0, chin + 0.62),
    ]
    canvas.fill(_both_halves(right), skin, person=True)
    ear = 0.23 + 0.0012 * traits.age
    for side in _BOTH_SIDES:
        canvas.fill(ellipse(side * 1.02, 0.16, 0.14, ear), skin, person=True)
        canvas.crease(mirror(curve([(1.07, 0.0), (1.11, 0.12), (1.05, 0.28)]), side), 0.22)
        for step in range(2):
            down = chin + 0.16 + 0.13 * step
            line = curve([(-0.3, down - 0.02), (0.0, down + 0.03), (0.3, down - 0.02)])
            canvas.crease(line, 0.3 * traits.sagging)


def draw_skull(canvas: Canvas, traits: Traits) -> None:
    """Draw the outline of the face, filled with skin."""
    size = traits.proportions
    top, chin, jaw = size["top_y"], size["chin_y"], size["jaw"]
    round_top = 1.0 + 0.12 * (-top - 1.31)
    right = [
        (0.0, top),
        (0.55 * round_top, top * 0.92),
        (0.90 * round_top, top * 0.62),
        (1.0 * round_top**0.5, -0.2),
        (size["cheek"], chin * 0.3),
        (jaw + 0.03 * traits.sagging, chin * 0.68),
        (0.36 + 0.08 * traits.sagging, chin * 0.95),
        (0.0, chin),
    ]
    canvas.fill(_both_halves(right), traits.skin, person=True)


def draw_front_hair(canvas: Canvas, traits: Traits, strands: np.random.Generator) -> None:
    """Draw the hair over the skull, its hairline, and for women the strands beside the face."""
    top = traits.proportions["top_y"]
    bald = traits.receding
    thick = (0.13 if traits.gender == "male" else 0.17) * (1.0 - 0.75 * bald) * traits.hair_cover
    line = top * (traits.proportions["hairline"] * (1.0 - bald) + 0.98 * bald)
    corner = line * (0.80 + 0.06 * bald)
    outer = [
        (-1.02, 0.05),
        (-1.05 - 0.3 * thick, -0.35),
        (-0.92 - thick, top * 0.64),
        (-0.55, top * 0.94 - thick),
        (0.0, top - thick),
    ]
    outer += [(-x, y) for x, y in outer[-2::-1]]
    shift = traits.part * 0.5
    inner = [
        (0.96, 0.02),
        (0.91, -0.38),
        (0.80, corner),
        (0.42 + 0.3 * shift, line),
        (shift, line * 1.03),
    ]
    inner += [(-0.42 + 0.3 * shift, line), (-0.80, corner), (-0.91, -0.38), (-0.96, 0.02)]
    outer, inner = curve(outer), curve(inner)
    canvas.fill(np.concatenate([outer, inner]), traits.hair, person=True, cover=True)
    _draw_strands(canvas, traits, outer, inner[::-1], strands)
    if traits.gender == "female" and traits.hair_length > 0.4:
        _draw_side_hair(canvas, traits)


def shade_head(canvas: Canvas, traits: Traits, light: Light) -> None:
    """Lay the soft shadows and lights of the face: sockets, nose, cheeks, chin, hanging skin."""
    size = traits.proportions
    chin, nose, width = size["chin_y"], size["nose_y"], size["nose_width"]
    mouth, sag = size["mouth_y"], traits.sagging
    canvas.shade(
        curve(
            [
                (-0.75, chin * 0.82),
                (0.0, chin + 0.02),
                (0.75, chin * 0.82),
                (0.5, chin + 0.3),
                (0.0, chin + 0.4),
                (-0.5, chin + 0.3),
            ],
            closed=True,
        ),
        -0.30,
    )
    canvas.shade(_face_core(chin), 0.0)
    canvas.shade(ellipse(0.0, size["brow_y"] - 0.32, 0.5, 0.18), 0.07)
    canvas.shade(ellipse(0.0, chin - 0.17, 0.2, 0.1), 0.06)
    for side in _BOTH_SIDES:
        away = max(0.0, -side * light.direction[0])
        canvas.shade(ellipse(side * 0.60, nose * 0.85, 0.22, 0.17), 0.09)
        hollow = curve(
            [(0.62, nose), (0.86, nose * 0.8), (0.74, mouth), (0.55, mouth + 0.05)], closed=True
        )
        canvas.shade(mirror(hollow, side), -0.05 - 0.14 * sag)
        canvas.shade(ellipse(side * size["eye_x"], -0.10, 0.30, 0.17), -0.13 - 0.08 * sag)
        canvas.shade(ellipse(side * size["eye_x"], 0.19, 0.21, 0.05), -0.05 - 0.16 * sag)
        nose_side = [
            (0.06, -0.12),
            (0.10, nose * 0.4),
            (width, nose - 0.06),
            (width * 1.1, nose + 0.04),
            (width * 1.5, nose - 0.02),
            (0.24, nose * 0.4),
            (0.22, -0.1),
        ]
        canvas.shade(mirror(nose_side, side), -0.10 - 0.16 * away)
        canvas.shade(ellipse(side * 0.52, mouth + 0.26, 0.10, 0.14), -0.16 * sag)
    canvas.shade(
        np.array([(-0.05, -0.15), (0.05, -0.15), (0.07, nose - 0.1), (-0.07, nose - 0.1)]), 0.12
    )
    canvas.shade(ellipse(0.0, nose - 0.04, 0.09, 0.08), 0.16)
    canvas.shade(ellipse(0.0, nose + 0.14, width * 0.95, 0.05), -0.20)
    canvas.shade(ellipse(0.0, mouth + size["lip"] * 1.3 + 0.06, 0.2, 0.05), -0.16)


def _face_core(chin: float) -> np.ndarray:
    right = [
        (0.0, -0.9),
        (0.8, -0.5),
        (0.85, chin * 0.3),
        (0.66, chin * 0.68),
        (0.32, chin * 0.93),
        (0.0, chin * 0.97),
    ]
    return _both_halves(right)


def _both_halves(right: list[tuple[float, float]]) -> np.ndarray:
    """Close a right half, drawn top to bottom, with its mirror image."""
    half = curve(right)
    return np.concatenate([half, mirror(half[::-1], -1.0)])


def _draw_side_hair(canvas: Canvas, traits: Traits) -> None:
    top, chin = traits.proportions["top_y"], traits.proportions["chin_y"]
    end = chin * 0.35 + (0.7 * chin + 0.2) * traits.hair_length
    strand = curve(
        [
            (0.78, top * 0.66),
            (0.95, -0.35),
            (0.97, 0.2),
            (1.0, end * 0.6),
            (1.02, end),
            (1.22, end * 0.8),
            (1.2, 0.3),
            (1.12, -0.4),
            (0.95, top * 0.66),
        ],
        closed=True,
    )
    for side in _BOTH_SIDES:
        canvas.fill(mirror(strand, side), traits.hair, person=True, cover=True)


def _draw_strands(
    canvas: Canvas, traits: Traits, outer: np.ndarray, inner: np.ndarray, rng: np.random.Generator
) -> None:
    """Draw lighter and darker hairs from the hairline to the outer edge of the hair."""
    places = np.clip(rng.uniform(0.04, 0.96, 26), 0.0, 1.0)
    tones = rng.uniform(-1.0, 1.0, 26)
    starts = inner[(places * (len(inner) - 1)).astype(int)]
    ends = outer[(places * (len(outer) - 1)).astype(int)]
    for start, end, tone in zip(starts, ends, tones, strict=True):
        target = (236, 230, 220) if tone > 0 else (18, 14, 14)
        line = np.stack([start, 0.06 * start + 0.94 * end])
        canvas.stroke(line, mix(traits.hair, target, 0.16 * abs(tone)), 0.025)
