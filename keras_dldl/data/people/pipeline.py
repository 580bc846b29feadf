"""`tf.data` from images of people to batches; an order that is known before they are read."""

import numpy as np
import tensorflow as tf

from keras_dldl._utils.progress import progress
from keras_dldl.data.augment import Augmentation
from keras_dldl.data.pipeline import READ_AT_ONCE, augmented_batches, read_images
from keras_dldl.data.records import EncodedImages
from keras_dldl.data.sampling import epoch_order
from keras_dldl.data.store import decode

CHECKED_AT_ONCE = 256


def training_images(
    images: EncodedImages,
    numbers: np.ndarray,
    *,
    input_size: int,
    batch_size: int,
    seed: int,
    epoch: int,
    augment: Augmentation,
) -> tf.data.Dataset:
    """Return one epoch of augmented images, in the order of `epoch_order`.

    Nothing but the places of the images is kept in memory.

    Args:
        images: where they are read from.
        numbers: (N,) which of them.
        input_size: side of the images in pixels.
        batch_size: images in a batch; the last one may be shorter.
        seed: another seed, another order and other augmentations.
        epoch: number of the epoch, likewise.
        augment: strengths of the augmentations; mixup is not for identities.

    Returns:
        Batches of (B, S, S, 3) float32 images in 0 ... 255.
    """
    ordered = numbers[epoch_order(len(numbers), seed, epoch)]

    def faces(count: int) -> tf.data.Dataset:
        batches = _decoded(images, ordered, input_size).batch(count)
        return batches.map(lambda x: (x, tf.zeros([tf.shape(x)[0]])))

    batches = augmented_batches(faces, len(numbers), batch_size, seed, epoch, augment)
    return batches.map(lambda images, _: images)


def plain_images(
    images: EncodedImages, numbers: np.ndarray, input_size: int, batch_size: int
) -> tf.data.Dataset:
    """Return the images as they are, in their order: batches of (B, S, S, 3) float32."""
    batches = _decoded(images, numbers, input_size).batch(batch_size).prefetch(2)
    return batches.map(lambda x: tf.cast(x, tf.float32))


def readable(images: EncodedImages) -> np.ndarray:
    """Return a mask of the images that training could decode, having decoded each, (N,) bool."""
    numbers = np.arange(len(images))
    # One at a time: one that cannot be read costs no other.
    numbered = tf.data.Dataset.zip(
        tf.data.Dataset.from_tensor_slices(numbers), read_images(images, numbers)
    )
    decoded = numbered.map(
        lambda i, image: (i, tf.reduce_sum(decode(image, 32)[:1, :1])),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=False,
    ).ignore_errors()
    mask = np.zeros(len(images), bool)
    with progress(total=len(images), label="looking at the images") as bar:
        for found, _ in decoded.batch(CHECKED_AT_ONCE).as_numpy_iterator():
            mask[found] = True
            bar.update(len(found))
    return mask


def _decoded(images: EncodedImages, numbers: np.ndarray, size: int) -> tf.data.Dataset:
    return read_images(images, numbers, READ_AT_ONCE).map(
        lambda image: decode(image, size), num_parallel_calls=tf.data.AUTOTUNE
    )
