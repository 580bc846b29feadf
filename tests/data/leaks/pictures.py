"""Made-up pictures as unlike as faces of different people, and copies of every kind of them."""

import io

import numpy as np
import pandas as pd
from PIL import Image, ImageEnhance, ImageOps

from tests.prepared_folders import write_folder

SIDE = 64


def picture(seed):
    """A head on a ground, the same place in all of them, with light and texture of its own."""
    random = np.random.default_rng([17, seed])
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    head = np.where((x / 0.7) ** 2 + (y / 0.9) ** 2 < 1, 150.0, 60.0)
    for ex, ey, size in ((-0.3, -0.2, 0.1), (0.3, -0.2, 0.1), (0, 0.45, 0.15)):
        head -= 80 * np.exp(-((x - ex) ** 2 + (y - ey) ** 2) / size**2)
    for side, strength in ((2, 25), (4, 20), (8, 15), (16, 10), (32, 6)):
        cells = random.normal(0, strength, (side, side)).astype(np.float32)
        head = head + np.asarray(Image.fromarray(cells).resize((SIDE, SIDE), Image.BICUBIC))
    colour = random.uniform(0.8, 1.2, 3)
    return np.clip(head[:, :, None] * colour, 0, 255).astype(np.uint8)


def _saved_anew(image, quality=60):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def _resized(image):
    return image.resize((SIDE // 2, SIDE // 2), Image.BICUBIC).resize((SIDE, SIDE), Image.BICUBIC)


def _cropped(image):
    return image.resize((SIDE, SIDE), Image.BICUBIC, box=(1, 0, SIDE - 1, SIDE - 2))


COPIES = {
    "saved anew": _saved_anew,
    "resized": _resized,
    "mirrored": ImageOps.mirror,
    "lightened": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "cropped": _cropped,
    "turned": lambda image: image.rotate(2, Image.BICUBIC),
    "all of it": lambda image: _saved_anew(_cropped(ImageOps.mirror(_resized(image))), 75),
}


def copy_of(image, kind):
    return np.asarray(COPIES[kind](Image.fromarray(image)))


def write_prepared(folder, rows, images, source="csv", grid=None):
    """Write images as `prepare` does: rows of (path, label, split) and further columns by name."""
    return write_folder(folder, pd.DataFrame(rows), images, size=SIDE, grid=grid, source=source)
