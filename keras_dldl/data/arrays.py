"""The faces of one split as arrays in memory, read without TensorFlow."""

import io
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_dldl.data.limits import LIMIT_VARIABLE, memory_limit
from keras_dldl.data.prepared import PreparedData, PreparedFolder
from keras_dldl.data.records.examples import read_examples
from keras_dldl.data.records.tfrecord import NO_SIGMA
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.progress import progress

if TYPE_CHECKING:
    from PIL import Image

DECODED_AT_ONCE = 256


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
        DataError: the split is empty, or the records do not match the manifest.
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
        return np.asarray(image) if image.size == (size, size) else _resized(image, size)


def _resized(image: "Image.Image", size: int) -> np.ndarray:
    from PIL import Image

    # In floating point: with 8 bits Pillow rounds and clips between rows and columns.
    bands = [
        band.convert("F").resize((size, size), Image.Resampling.BICUBIC) for band in image.split()
    ]
    return np.clip(np.rint(np.stack(bands, axis=-1)), 0, 255).astype(np.uint8)


def _load(data: PreparedData, split: str, size: int) -> FaceArrays:
    rows = data.rows(split)
    check_memory(data, split, size)
    sigma = rows["sigma"].fillna(NO_SIGMA) if "sigma" in rows else np.full(len(rows), NO_SIGMA)
    targets = np.stack([rows["label"], sigma], axis=1).astype(np.float32)
    images = np.empty((len(rows), size, size, 3), np.uint8)
    first = 0
    with progress(total=len(rows), label=f"loading {split}") as bar, ThreadPoolExecutor() as pool:
        bar.leave = False
        for part in _batched(_encoded(data, split), DECODED_AT_ONCE):
            # Pillow lets go of Python's lock while it decodes, so threads use all cores.
            for k, image in enumerate(pool.map(lambda one: _decoded(*one, size), part), first):
                images[k] = image
            first += len(part)
            bar.update(len(part))
    return FaceArrays(images, targets, rows["path"].to_numpy())


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


def _batched(items: Iterator, count: int) -> Iterator[list]:
    while part := list(itertools.islice(items, count)):
        yield part


def _decoded(name: str, encoded: bytes, size: int) -> np.ndarray:
    try:
        return decode_image(encoded, size)
    except (OSError, ValueError) as error:
        raise DataError(
            "A stored face must be a whole image; prepare the data again. "
            f"Received: {name} ({error})"
        ) from error


def _encoded(data: PreparedData, split: str) -> Iterator[tuple[str, bytes]]:
    """Yield path and encoded image of each row of a split, in order."""
    for folder in data.folders:
        paths = folder.rows(split)["path"].tolist()
        shards = folder.shards(split)
        if not shards:
            yield from ((path, _read(folder.path / "crops" / path)) for path in paths)
            continue
        yield from _in_order(folder, split, paths, shards)


def _in_order(
    folder: PreparedFolder, split: str, paths: Sequence[str], shards: Sequence[Path]
) -> Iterator[tuple[str, bytes]]:
    records = itertools.chain.from_iterable(map(read_examples, shards))
    for path, record in itertools.zip_longest(paths, records):
        if path is None or record is None or record["path"].decode("utf-8") != path:
            raise DataError(
                "Records and manifest must hold the same faces in the same order; prepare the data "
                f"again. Received: {folder.path}, split {split!r}"
            )
        yield path, record["image"]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"A crop is missing; prepare the data again. Received: {path}") from error
