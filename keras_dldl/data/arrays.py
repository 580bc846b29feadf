"""The faces of one split as arrays in memory, read without TensorFlow; how much may be there."""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from keras_dldl._utils.progress import progress
from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import ConfigError, DataError

LIMIT_VARIABLE = "KERAS_DLDL_CACHE_BYTES"
MOST_BYTES = 4 * 2**30
SHARE_OF_MEMORY = 4


@dataclass(frozen=True)
class FaceArrays:
    """Faces by index, in the order of `PreparedData.rows(split)`.

    Args:
        images: (N, S, S, 3) uint8.
        targets: (N, 2) float32: label, sigma (negative where the data set has none).
        paths: (N,) the manifest's paths.
    """

    images: np.ndarray
    targets: np.ndarray
    paths: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)


def open_arrays(data: PreparedData, split: str, input_size: int) -> FaceArrays:
    """Return the faces of a split, decoded, loaded once for each data set, split and size.

    Raises:
        ConfigError: they do not fit into the memory that may be used.
        DataError: the split is empty, or its records are damaged.
    """
    key = ("arrays", split, input_size)
    return data.loaded(key, lambda: _load(data, split, input_size))


def decode_image(encoded: bytes, size: int) -> np.ndarray:
    """Decode one image, JPEG or PNG, and bring it to (size, size, 3) uint8.

    As `store.decode` does it by TensorFlow: the same pixels, but where a resized one lies midway
    between two levels.

    Raises:
        OSError: this is not an image.
    """
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as image:
        image = image.convert("RGB")
    if image.size == (size, size):
        return np.asarray(image)
    # In floating point: with 8 bits Pillow rounds and clips between rows and columns.
    bands = [
        band.convert("F").resize((size, size), Image.Resampling.BICUBIC) for band in image.split()
    ]
    return np.clip(np.rint(np.stack(bands, axis=-1)), 0, 255).astype(np.uint8)


def _load(data: PreparedData, split: str, size: int) -> FaceArrays:
    check_memory(data, split, size)
    paths, first = data.rows(split)["path"].to_numpy(), 0
    images = np.empty((len(paths), size, size, 3), np.uint8)
    with progress(total=len(paths), label=f"loading {split}") as bar, ThreadPoolExecutor() as pool:
        bar.leave = False
        for part in data.records(split).parts():
            # Pillow lets go of Python's lock while it decodes, so threads use all cores.
            decoded = pool.map(lambda *one: _decoded(*one, size), paths[first:], part)
            for k, image in enumerate(decoded, first):
                images[k] = image
            first += len(part)
            bar.update(len(part))
    return FaceArrays(images, data.targets(split), paths)


def _decoded(name: str, encoded: bytes, size: int) -> np.ndarray:
    try:
        return decode_image(encoded, size)
    except (OSError, ValueError) as error:
        raise DataError(
            "A stored face must be a whole image; prepare the data again. "
            f"Received: {name} ({error})"
        ) from error


def check_memory(data: PreparedData, split: str, size: int) -> None:
    """Raise a ConfigError if the faces of a split do not fit into the memory that may be used."""
    count = len(data.rows(split))
    needed, limit = count * size**2 * 3, memory_limit()
    if needed > limit:
        raise ConfigError(
            f"Faces in memory must fit into {limit:,} bytes; set {LIMIT_VARIABLE} to more, take a "
            "smaller input_size, or install TensorFlow, whose pipeline reads them from the files. "
            f"Received: split {split!r} of {count:,} faces, {needed:,} bytes at {size} x {size}"
        )


def memory_limit() -> int:
    """Return how many bytes the faces of a split may take in memory.

    Decoded faces at the input size are kept up to this; beyond it their encoded form is, and beyond
    that again they are read from the files in every epoch.

    Returns:
        The environment variable KERAS_DLDL_CACHE_BYTES, or else 4 GiB, but no more than a quarter
        of the machine's memory where that is known.

    Raises:
        ConfigError: the variable is not a whole number of bytes.
    """
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    if text.isascii() and text.isdigit():
        return int(text)
    if text:
        raise ConfigError(
            f"The environment variable {LIMIT_VARIABLE} must be a whole number of bytes, 0 or more."
            f" Received: {LIMIT_VARIABLE}={text!r}"
        )
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # no such function, name, or answer
        physical = -1
    return min(MOST_BYTES, physical // SHARE_OF_MEMORY) if physical > 0 else MOST_BYTES
