"""The draws of a batch, apart from their application, so that a test can hand in its own."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_dldl.data.augment.strengths import Augmentation

SMALLEST_ERASED = 0.02  # share of the area; so is the range of shapes (Zhong et al. 2020)
MOST_OBLONG = 0.3
ROWS = 34  # of even numbers, one a draw


def draws_from(
    augmentation: Augmentation, rows: Sequence[Any], weights: Any, library: Any
) -> dict[str, Any]:
    """Return the draws of a batch.

    Args:
        augmentation: the strengths.
        rows: `ROWS` tensors or arrays (count,) of even numbers in [0, 1).
        weights: (count,) the draws `mixup`.
        library: `tensorflow`, `numpy` or `keras.ops`, whichever the rows are of.

    Returns:
        Tensors (count,) by name: `mirrored`, `grey`, `erased`: 0 or 1; `resolution`: side
        as a share of the input's; `angle`, `shear`: radians; `zoom`: factor; `dx`, `dy`: shifts as
        shares of the side; `crop`: side of the window as a share, `crop_x`, `crop_y`: its place, 0
        ... 1 of the room it has; `brightness`, `contrast`, `saturation`: factors; `erase_height`,
        `erase_width`: shares of the side; `erase_x`, `erase_y`: place, as for the crop; `mixup`:
        weight of the image itself, 0.5 ... 1; `blur`: standard deviation as a share of the side;
        `sharpen`: amount; `noise`, `grain`: standard deviations as shares of 255, `noise_place`,
        `grain_place`: their places in the sheet of noise, 0 ... 1; `quality`: of JPEG; `warmth`:
        relative gain of red; `gamma`: exponent; `sepia`, `outside_mirrored`, `outside_filled`: 0 or
        1; `outside_red`, `outside_green`, `outside_blue`: 0 ... 255; `cut_left`, `cut_right`,
        `cut_top`, `cut_bottom`: shares of the side that are outside of the photo.
    """
    drawn = _Drawn(rows, library)
    around, down_to, chance = drawn.around, drawn.down_to, drawn.chance
    draws = {
        "mirrored": chance(augmentation.flip),
        "grey": chance(augmentation.grey),
        "resolution": down_to(augmentation.resolution),
        "angle": around(0.0, math.radians(augmentation.rotation)),
        "shear": around(0.0, math.radians(augmentation.shear)),
        "zoom": around(1.0, augmentation.zoom),
        "dx": around(0.0, augmentation.shift),
        "dy": around(0.0, augmentation.shift),
        "crop": down_to(augmentation.crop),
        "crop_x": drawn.even(),
        "crop_y": drawn.even(),
        "brightness": around(1.0, augmentation.brightness),
        "contrast": around(1.0, augmentation.contrast),
        "saturation": around(1.0, augmentation.saturation),
        "erased": chance(augmentation.erase),
        "erase_x": drawn.even(),
        "erase_y": drawn.even(),
        "mixup": weights,
    }
    draws |= _rectangle(augmentation.erase_area, drawn)
    return draws | _camera(augmentation, drawn) | _outside(augmentation, drawn)


def draw_on_host(
    augmentation: Augmentation, count: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draw what augments `count` images, without TensorFlow; of other numbers than `draw_batch`.

    Args:
        augmentation: the strengths.
        count: number of images.
        rng: the source of chance; the same state gives the same draws on every machine.

    Returns:
        Float32 arrays (count,) by name, see `draws_from`.
    """
    rows, alpha = rng.random((ROWS, count)), augmentation.mixup
    share = rng.beta(alpha, alpha, count) if alpha else np.ones(count)
    weights = np.maximum(share, 1.0 - share)
    draws = draws_from(augmentation, list(rows), weights, np)
    return {name: np.asarray(values, np.float32) for name, values in draws.items()}


class _Drawn:
    """Takes one row of even numbers after the other."""

    def __init__(self, rows: Sequence[Any], library: Any):
        self.rows, self.library = iter(rows), library

    def even(self, most: float = 1.0) -> Any:
        return most * next(self.rows)

    def around(self, centre: float, width: float) -> Any:
        return centre + (2.0 * next(self.rows) - 1.0) * width

    def down_to(self, smallest: float, largest: float = 1.0) -> Any:
        return smallest + next(self.rows) * (largest - smallest)

    def chance(self, probability: float) -> Any:
        return self.library.where(next(self.rows) < probability, 1.0, 0.0)


def _rectangle(largest: float, drawn: _Drawn) -> dict[str, Any]:
    library = drawn.library
    area = drawn.down_to(SMALLEST_ERASED, largest)
    # Evenly in the logarithm, so that upright and lying rectangles are equally likely.
    ratio = library.exp(drawn.around(0.0, -math.log(MOST_OBLONG)))
    return {
        "erase_height": library.minimum(library.sqrt(area * ratio), 1.0),
        "erase_width": library.minimum(library.sqrt(area / ratio), 1.0),
    }


def _camera(augmentation: Augmentation, drawn: _Drawn) -> dict[str, Any]:
    library = drawn.library
    focus = drawn.around(0.0, 1.0)  # a face is blurred or sharpened
    return {
        "blur": augmentation.blur * library.maximum(focus, 0.0),
        "sharpen": augmentation.sharpen * library.maximum(-focus, 0.0),
        "noise": drawn.even(augmentation.noise),
        "noise_place": drawn.even(),
        "grain": drawn.even(augmentation.grain),
        "grain_place": drawn.even(),
        "quality": drawn.down_to(augmentation.jpeg, 100.0),
        "warmth": drawn.around(0.0, augmentation.warmth),
        "gamma": library.exp(drawn.around(0.0, augmentation.gamma)),
        "sepia": drawn.chance(augmentation.sepia),
    }


def _outside(augmentation: Augmentation, drawn: _Drawn) -> dict[str, Any]:
    where = drawn.library.where
    beyond, side, cut = drawn.even(), drawn.even(8.0), drawn.even(augmentation.cut)
    mirrored = where(beyond < augmentation.fill / 3.0, 1.0, 0.0)
    brightest = where(beyond < augmentation.fill * 2.0 / 3.0, 255.0, 0.0)
    return {
        "outside_mirrored": mirrored,
        "outside_filled": where(beyond < augmentation.fill, 1.0, 0.0) - mirrored,
        "outside_red": drawn.even(brightest),
        "outside_green": drawn.even(brightest),
        "outside_blue": drawn.even(brightest),
    } | {
        # One side of half the faces.
        f"cut_{name}": cut * where((side >= k) & (side < k + 1), 1.0, 0.0)
        for k, name in enumerate(("left", "right", "top", "bottom"))
    }
