"""`tf.data` from image files of people to batches; an order that is known before it is read."""

import numpy as np
import tensorflow as tf

from keras_dldl.data.augment import Augmentation
from keras_dldl.data.pipeline import augmented_batches
from keras_dldl.data.sampling import epoch_order
from keras_dldl.data.store import decode
from keras_dldl.progress import progress

CHECKED_AT_ONCE = 256


def training_images(
    files: np.ndarray,
    *,
    input_size: int,
    batch_size: int,
    seed: int,
    epoch: int,
    augment: Augmentation,
) -> tf.data.Dataset:
    """Return one epoch of augmented images, in the order of `epoch_order`.

    Nothing but the names of the files is kept in memory.

    Args:
        files: (N,) names of image files.
        input_size: side of the images in pixels.
        batch_size: images in a batch; the last one may be shorter.
        seed: another seed, another order and other augmentations.
        epoch: number of the epoch, likewise.
        augment: strengths of the augmentations; mixup is not for identities.

    Returns:
        Batches of (B, S, S, 3) float32 images in 0 ... 255.
    """
    ordered = files[epoch_order(len(files), seed, epoch)]

    def faces(count: int) -> tf.data.Dataset:
        images = _images(ordered, input_size).batch(count)
        return images.map(lambda x: (x, tf.zeros([tf.shape(x)[0]])))

    batches = augmented_batches(faces, len(files), batch_size, seed, epoch, augment)
    return batches.map(lambda images, _: images)


def plain_images(files: np.ndarray, input_size: int, batch_size: int) -> tf.data.Dataset:
    """Return the images as they are, in their order: batches of (B, S, S, 3) float32."""
    images = _images(files, input_size).batch(batch_size).prefetch(2)
    return images.map(lambda x: tf.cast(x, tf.float32))


def readable(files: np.ndarray) -> np.ndarray:
    """Return a mask of the files that training could decode, having decoded each, (N,) bool."""
    numbers = tf.data.Dataset.from_tensor_slices((np.arange(len(files)), files.astype(str)))
    decoded = numbers.map(
        lambda i, file: (i, tf.reduce_sum(decode(tf.io.read_file(file), 32)[:1, :1])),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=False,
    ).ignore_errors()
    mask = np.zeros(len(files), bool)
    with progress(total=len(files), label="looking at the images") as bar:
        for found, _ in decoded.batch(CHECKED_AT_ONCE).as_numpy_iterator():
            mask[found] = True
            bar.update(len(found))
    return mask


def _images(files: np.ndarray, size: int) -> tf.data.Dataset:
    names = tf.data.Dataset.from_tensor_slices(files.astype(str))
    return names.map(
        lambda file: decode(tf.io.read_file(file), size), num_parallel_calls=tf.data.AUTOTUNE
    )
