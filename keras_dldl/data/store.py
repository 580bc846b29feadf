"""The faces of one split, held as far as memory allows."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_dldl.data.prepared import PreparedData, PreparedFolder
from keras_dldl.data.records import NO_SIGMA, read_shards
from keras_dldl.errors import DataError

# Decoded faces at the input size are kept in memory up to this; beyond it their encoded form is,
# and beyond that again they are read from the files in every epoch.
MEMORY_LIMIT_BYTES = int(os.environ.get("KERAS_DLDL_CACHE_BYTES", 4 * 2**30))


@dataclass(frozen=True)
class FaceStore:
    """Faces by index, in the order of `PreparedData.rows(split)`.

    Args:
        targets: (N, 2) float32: label, sigma (negative where the data set has none).
        paths: (N,) the manifest's paths.
        images: (N, S, S, 3) uint8, or None where they do not fit.
        encoded: (N,) encoded images, or None where they are decoded or do not fit.
        files: record files in order, where nothing fits.
    """

    targets: np.ndarray
    paths: np.ndarray
    images: tf.Tensor | None = None
    encoded: tf.Tensor | None = None
    files: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return len(self.targets)


def open_store(data: PreparedData, split: str, input_size: int) -> FaceStore:
    """Return the faces of a split, loaded once for each data set, split and size.

    Raises:
        DataError: the split is empty, or the records do not match the manifest.
    """
    stores = data.__dict__.setdefault("_stores", {})
    key = (split, input_size, MEMORY_LIMIT_BYTES)
    if key not in stores:
        stores[key] = _load(data, split, input_size)
    return stores[key]


def decode(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Decode one image and bring it to (size, size, 3) uint8."""
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        # The accurate transform is Pillow's: training sees the pixels that prediction sees.
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
    )
    image.set_shape([None, None, 3])
    image = tf.image.resize(image, [size, size], "bicubic", antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(image), 0.0, 255.0), tf.uint8)


def _load(data: PreparedData, split: str, input_size: int) -> FaceStore:
    rows = data.rows(split)
    sigma = rows["sigma"].fillna(NO_SIGMA) if "sigma" in rows else np.full(len(rows), NO_SIGMA)
    targets = np.stack([rows["label"], sigma], axis=1).astype(np.float32)
    paths = rows["path"].to_numpy()
    if _bytes_of(data, split) > MEMORY_LIMIT_BYTES:
        return FaceStore(targets, paths, files=tuple(data.shards(split)))
    encoded = np.concatenate([_encoded(folder, split) for folder in data.folders])
    if len(encoded) != len(rows):
        raise DataError(
            f"Records and manifest must hold the same faces; prepare the data again. Received: "
            f"{len(encoded)} records and {len(rows)} rows of split {split!r}"
        )
    if len(rows) * input_size**2 * 3 > MEMORY_LIMIT_BYTES:
        return FaceStore(targets, paths, encoded=tf.constant(encoded))
    return FaceStore(targets, paths, images=_decode_all(encoded, input_size))


def _bytes_of(data: PreparedData, split: str) -> int:
    return sum(path.stat().st_size for path in data.shards(split) if path.exists())


def _encoded(folder: PreparedFolder, split: str) -> np.ndarray:
    """Return the encoded images of a split, from its records, or its crops where it has none."""
    rows = folder.rows(split)
    if not folder.shards(split):
        return np.array([_read(folder.path / "crops" / path) for path in rows["path"]], object)
    parts = list(read_shards(folder.shards(split)))
    paths = [path.decode("utf-8") for part in parts for path in part[3]]
    if paths != rows["path"].tolist():
        raise DataError(
            "Records and manifest must hold the same faces in the same order; prepare the data "
            f"again. Received: {folder.path}, split {split!r}"
        )
    return np.concatenate([part[0] for part in parts])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"A crop is missing; prepare the data again. Received: {path}") from error


def _decode_all(encoded: np.ndarray, size: int) -> tf.Tensor:
    images = np.empty((len(encoded), size, size, 3), np.uint8)
    dataset = tf.data.Dataset.from_tensor_slices(tf.constant(encoded))
    dataset = dataset.map(lambda image: decode(image, size), num_parallel_calls=tf.data.AUTOTUNE)
    first = 0
    for batch in dataset.batch(256).as_numpy_iterator():
        images[first : first + len(batch)] = batch
        first += len(batch)
    with tf.device("CPU:0"):
        return tf.constant(images)
