"""From even numbers to what augments a batch: one table for every library that draws them."""

import math
from collections.abc import Sequence
from typing import Any

from keras_dldl.data.augment.strengths import Augmentation

SMALLEST_ERASED = 0.02  # share of the area; so is the range of shapes (Zhong et al. 2020)
MOST_OBLONG = 0.3
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue
ROWS = 19  # of even numbers, one a draw


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
        weight of the image itself, 0.5 ... 1.
    """
    rows = iter(rows)

    def around(centre: float, width: float) -> Any:
        return centre + (2.0 * next(rows) - 1.0) * width

    def down_to(smallest: float) -> Any:
        return smallest + next(rows) * (1.0 - smallest)

    def chance(probability: float) -> Any:
        return library.where(next(rows) < probability, 1.0, 0.0)

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
        "crop_x": next(rows),
        "crop_y": next(rows),
        "brightness": around(1.0, augmentation.brightness),
        "contrast": around(1.0, augmentation.contrast),
        "saturation": around(1.0, augmentation.saturation),
        "erased": chance(augmentation.erase),
        "erase_x": next(rows),
        "erase_y": next(rows),
        "mixup": weights,
    }
    return draws | _rectangle(augmentation.erase_area, next(rows), next(rows), library)


def _rectangle(largest: float, area: Any, shape: Any, library: Any) -> dict[str, Any]:
    area = SMALLEST_ERASED + area * (largest - SMALLEST_ERASED)
    # Evenly in the logarithm, so that upright and lying rectangles are equally likely.
    ratio = library.exp((2.0 * shape - 1.0) * -math.log(MOST_OBLONG))
    return {
        "erase_height": library.minimum(library.sqrt(area * ratio), 1.0),
        "erase_width": library.minimum(library.sqrt(area / ratio), 1.0),
    }
