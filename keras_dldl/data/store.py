"""The faces of one split, held as far as memory allows."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_dldl.data.limits import memory_limit
from keras_dldl.data.prepared import PreparedData, PreparedFolder
from keras_dldl.data.records.tfrecord import NO_SIGMA, read_shards
from keras_dldl.errors import DataError

DECODED_AT_ONCE = 64
ALIGNMENT = 64  # bytes


@dataclass(frozen=True)
class FaceStore:
    """Faces by index, in the order of `PreparedData.rows(split)`.

    Args:
        targets: (N, 2) float32: label, sigma (negative where the data set has none).
        paths: (N,) the manifest's paths.
        images: (N, S, S, 3) uint8, or None where they do not fit.
        encoded: (N,) encoded images, or None where they are decoded or do not fit.
        files: record files in order, where nothing fits.
        lengths: the number of records in each of `files`.

    Images are in variables, because a `tf.data` pipeline copies the tensors that it takes images
    from. Take them by `images[i]` or from `images.value()`: `tf.gather` of the variable itself
    copies one with memory from outside.
    """

    targets: np.ndarray
    paths: np.ndarray
    images: tf.Variable | None = None
    encoded: tf.Variable | None = None
    files: tuple[Path, ...] = ()
    lengths: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.targets)


def open_store(data: PreparedData, split: str, input_size: int) -> FaceStore:
    """Return the faces of a split, loaded once for each data set, split and size.

    Raises:
        ConfigError: the environment variable with the memory limit is not a number.
        DataError: the split is empty, or the records do not match the manifest.
    """
    limit = memory_limit()
    key = ("store", split, input_size, limit)
    return data.loaded(key, lambda: _load(data, split, input_size, limit))


def decode(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Decode one image and bring it to (size, size, 3) uint8."""
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        # The accurate transform is Pillow's: training sees the pixels that prediction sees.
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
    )
    image.set_shape([None, None, 3])
    fits = tf.reduce_all(tf.equal(tf.shape(image)[:2], size))
    # Resizing to the same size takes as long as decoding does.
    image = tf.cond(fits, lambda: image, lambda: _resized(image, size))
    return tf.ensure_shape(image, [size, size, 3])


def _resized(image: tf.Tensor, size: int) -> tf.Tensor:
    image = tf.image.resize(image, [size, size], "bicubic", antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(image), 0.0, 255.0), tf.uint8)


def _load(data: PreparedData, split: str, input_size: int, limit: int) -> FaceStore:
    rows = data.rows(split)
    sigma = rows["sigma"].fillna(NO_SIGMA) if "sigma" in rows else np.full(len(rows), NO_SIGMA)
    targets = np.stack([rows["label"], sigma], axis=1).astype(np.float32)
    paths = rows["path"].to_numpy()
    if _bytes_of(data, split) > limit:
        return FaceStore(
            targets, paths, files=tuple(data.shards(split)), lengths=_lengths(data, split)
        )
    encoded = np.concatenate([_encoded(folder, split) for folder in data.folders])
    if len(encoded) != len(rows):
        raise DataError(
            f"Records and manifest must hold the same faces; prepare the data again. Received: "
            f"{len(encoded)} records and {len(rows)} rows of split {split!r}"
        )
    with tf.device("CPU:0"):
        encoded = tf.constant(encoded)
    if len(rows) * input_size**2 * 3 > limit:
        return FaceStore(targets, paths, encoded=_variable(encoded))
    return FaceStore(targets, paths, images=_variable(_decode_all(encoded, input_size)))


def _lengths(data: PreparedData, split: str) -> tuple[int, ...]:
    """Return the number of records in each of `data.shards(split)`."""
    return tuple(
        folder.facts(split)[path.name].records
        for folder in data.folders
        for path in folder.shards(split)
    )


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


def _decode_all(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Decode all images into one (N, S, S, 3) uint8 tensor; they are never in memory twice."""
    images = _aligned_empty((len(encoded), size, size, 3))
    dataset = tf.data.Dataset.from_tensor_slices(encoded)
    dataset = dataset.map(lambda image: decode(image, size), num_parallel_calls=tf.data.AUTOTUNE)
    first = 0
    for batch in dataset.batch(DECODED_AT_ONCE).as_numpy_iterator():
        images[first : first + len(batch)] = batch
        first += len(batch)
    # A tensor on the array's own memory, where `tf.constant` would copy it.
    return tf.experimental.dlpack.from_dlpack(images.__dlpack__())


def _variable(tensor: tf.Tensor) -> tf.Variable:
    """Return a variable on the tensor's own memory, which on a CPU is not copied."""
    with tf.device("CPU:0"):
        return tf.Variable(tensor, trainable=False)


def _aligned_empty(shape: tuple[int, ...]) -> np.ndarray:
    """Return an empty uint8 array whose memory begins where TensorFlow wants a tensor to begin."""
    size = math.prod(shape)
    memory = np.empty(size + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    return memory[first : first + size].reshape(shape)
