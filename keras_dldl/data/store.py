"""The faces of one split, held as far as memory allows."""

import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from keras_dldl.data.arrays import memory_limit
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.records import Records

DECODED_AT_ONCE = 64
ALIGNMENT = 64  # bytes


@dataclass(frozen=True)
class FaceStore:
    """Faces by index, in the order of `PreparedData.rows(split)`.

    Args:
        targets: (N, 2) float32: label, sigma (negative where the data set has none).
        records: the faces in their files.
        images: (N, S, S, 3) uint8, or None where they do not fit.
        encoded: (N,) encoded images, or None where they are decoded or do not fit.

    Images are in variables, because a `tf.data` pipeline copies the tensors that it takes images
    from. Take them by `images[i]` or from `images.value()`: `tf.gather` of the variable itself
    copies one with memory from outside.
    """

    targets: np.ndarray
    records: Records
    images: tf.Variable | None = None
    encoded: tf.Variable | None = None

    def __len__(self) -> int:
        return len(self.targets)


def open_store(data: PreparedData, split: str, input_size: int) -> FaceStore:
    """Return the faces of a split, loaded once for each data set, split and size.

    Raises:
        ConfigError: the environment variable with the memory limit is not a number.
        DataError: the split is empty, or its records are damaged.
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
    targets, records = data.targets(split), data.records(split)
    if records.size.sum() > limit:
        return FaceStore(targets, records)
    with tf.device("CPU:0"):
        encoded = tf.constant([face for part in records.parts() for face in part])
    if len(records) * input_size**2 * 3 > limit:
        return FaceStore(targets, records, encoded=_variable(encoded))
    return FaceStore(targets, records, images=_variable(_decode_all(encoded, input_size)))


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
