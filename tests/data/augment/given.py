"""What the tests of the augmentations share: draws that change nothing, and smooth pictures."""

import numpy as np
import tensorflow as tf

NEUTRAL = {
    "mirrored": 0.0, "grey": 0.0, "resolution": 1.0, "angle": 0.0, "shear": 0.0, "zoom": 1.0,
    "dx": 0.0, "dy": 0.0, "crop": 1.0, "crop_x": 0.5, "crop_y": 0.5, "brightness": 1.0,
    "contrast": 1.0, "saturation": 1.0, "erased": 0.0, "erase_x": 0.5, "erase_y": 0.5,
    "erase_height": 0.3, "erase_width": 0.3, "mixup": 1.0, "blur": 0.0, "sharpen": 0.0,
    "noise": 0.0, "noise_place": 0.5, "grain": 0.0, "grain_place": 0.5, "quality": 100.0,
    "warmth": 0.0, "gamma": 1.0, "sepia": 0.0, "outside_mirrored": 0.0, "outside_filled": 0.0,
    "outside_red": 0.0, "outside_green": 0.0, "outside_blue": 0.0, "cut_left": 0.0,
    "cut_right": 0.0, "cut_top": 0.0, "cut_bottom": 0.0,
}  # fmt: skip


def draws(count=1, **changed):
    assert set(changed) <= set(NEUTRAL)
    return {name: tf.fill([count], value) for name, value in (NEUTRAL | changed).items()}


def picture(size=64):
    """Return a smooth (size, size, 3) float64 picture without symmetry, 30 ... 220."""
    y, x = np.mgrid[:size, :size] / size
    waves = [125 + 60 * np.sin(5 * x + k) * np.cos(4 * y - k) + 35 * (x - y) for k in range(3)]
    return np.stack(waves, axis=-1)


def batch(count=1, size=64):
    return np.stack([picture(size)] * count).astype(np.float32)
