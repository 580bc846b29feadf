"""A contact sheet of the training images, for a person to look at before hours are spent."""

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_dldl._utils.files import atomic_path
from keras_dldl.errors import ConfigError
from keras_dldl.training.config import TrainConfig

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg")
PAIRS_ACROSS = 4
SHOWN_SIDE = 112  # pixels on the sheet, whatever the input size
CAPTION = 18
GAP = 8


def write_preview(config: TrainConfig, path: str | os.PathLike, count: int = 24) -> int:
    """Write the first faces of the first epoch, each as it is stored and as the model sees it.

    Args:
        config: the settings of the run.
        path: a PNG or JPEG file to write.
        count: how many faces to show; fewer where the data have fewer.

    Returns:
        How many faces are shown.

    Raises:
        ConfigError: a setting is wrong, or the file is not named as an image.
        DataError: the prepared data cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            f"A preview must be named as one of {', '.join(SUFFIXES)}. Received: {path}"
        )
    if not config.data:
        raise ConfigError("A preview needs data: prepared folders, by --data. Received: none")
    stored, _ = _first_faces(config, count, augmented=False)
    seen, targets = _first_faces(config, count, augmented=True)
    sheet = contact_sheet(stored, seen, [caption(target) for target in targets])
    with atomic_path(path) as temporary:
        sheet.save(temporary)
    return len(seen)


def _first_faces(config: TrainConfig, count: int, augmented: bool) -> tuple[np.ndarray, np.ndarray]:
    from keras import ops

    from keras_dldl.data.augment import Augmentation
    from keras_dldl.data.prepared import PreparedData
    from keras_dldl.training.feed import choose_feed, make_feed

    data = PreparedData(*config.data)
    strengths = config.augment if augmented else Augmentation.none().get_config()
    config = replace(
        config,
        augment=strengths,
        batch_size=count,
        input_size=config.input_size or data.size,
        feed=choose_feed(config),
    ).with_augmentation()
    images, targets = next(iter(make_feed(config, data).training(0)))
    return ops.convert_to_numpy(images), np.asarray(targets)


def caption(target: np.ndarray) -> str:
    """Return the label of one face as text.

    Args:
        target: (2,) label and sigma, negative where there is none, or (5,) of a mixture.

    >>> caption(np.array([31.0, -1.0])), caption(np.array([3.4, 0.61]))
    ('31', '3.4 ± 0.61')
    >>> caption(np.array([31.0, -1.0, 52.0, -1.0, 0.7]))
    '70 % 31, 30 % 52'
    """
    label, sigma = (round(float(value), 2) for value in target[:2])
    text = f"{label:g} ± {sigma:g}" if sigma >= 0 else f"{label:g}"
    if len(target) == 2:
        return text
    share = 100 * float(target[4])
    return f"{share:.0f} % {text}, {100 - share:.0f} % {caption(target[2:4])}"


def contact_sheet(stored: np.ndarray, seen: np.ndarray, captions: list[str]) -> "Image.Image":
    """Return a picture of pairs, the stored face left of the one that the model sees.

    Args:
        stored, seen: (N, S, S, 3), 0 ... 255.
        captions: N texts.
    """
    from PIL import Image, ImageDraw, ImageFont

    across = min(PAIRS_ACROSS, len(seen))
    cell = (2 * SHOWN_SIDE + GAP, SHOWN_SIDE + CAPTION + GAP)
    rows = math.ceil(len(seen) / PAIRS_ACROSS)
    sheet = Image.new("RGB", (across * cell[0] + GAP, rows * cell[1] + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for k, text in enumerate(captions):
        x, y = GAP + k % across * cell[0], GAP + k // across * cell[1]
        sheet.paste(_shown(stored[k]), (x, y))
        sheet.paste(_shown(seen[k]), (x + SHOWN_SIDE, y))
        draw.text((x, y + SHOWN_SIDE + 1), text, fill="black", font=font)
    return sheet


def _shown(face: np.ndarray) -> "Image.Image":
    from PIL import Image

    image = Image.fromarray(np.clip(np.rint(face), 0, 255).astype(np.uint8))
    return image.resize((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.BICUBIC)
