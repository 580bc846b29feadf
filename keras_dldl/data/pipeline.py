"""`tf.data` from prepared faces to batches; one data set object is one epoch.

The order of an epoch and its augmentations are functions of seed and epoch alone, so a resumed run
sees what an uninterrupted one would have seen.
"""

import functools
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_dldl.data.augment import Augmentation, tensorflow_ops
from keras_dldl.data.augment.apply import apply
from keras_dldl.data.augment.tensorflow_ops import compiled_stage, draw_batch, mix
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.records import EncodedImages
from keras_dldl.data.sampling import Sampling, epoch_order
from keras_dldl.data.store import FaceStore, decode, open_store

# Few enough that several are read at once, many enough that calling Python costs little.
READ_AT_ONCE = 16
# Few enough for the processor's cache and for many threads; one size, so it is compiled once.
AUGMENTED_AT_ONCE = 32
PREFETCHED = 3  # batches; more only take memory


def training_dataset(
    data: PreparedData,
    *,
    input_size: int,
    batch_size: int,
    seed: int,
    epoch: int,
    augment: Augmentation,
    split: str = "train",
    sampling: Sampling | None = None,
) -> tf.data.Dataset:
    """Return one epoch of shuffled, augmented batches.

    Args:
        data: prepared folders.
        input_size: side of the images in pixels.
        batch_size: faces in a batch; the last one may be shorter.
        seed: another seed, another order and other augmentations.
        epoch: number of the epoch, likewise.
        augment: strengths of the augmentations.
        split: "train", "val" or "test".
        sampling: how often each image comes, in the order of `data.rows(split)`; None: once.

    Returns:
        Batches of (B, S, S, 3) float32 images in 0 ... 255 and (B, 2) float32 targets: label, sigma
        (negative where the data set has none). With mixup (B, 5): label and sigma, those of the
        face it is mixed with, and the weight of its own.

    >>> data = PreparedData("data/mine")
    >>> options = {"input_size": 32, "batch_size": 16, "augment": Augmentation()}
    >>> epoch = training_dataset(data, seed=0, epoch=0, **options)
    >>> [tuple(images.shape) for images, targets in epoch]
    [(16, 32, 32, 3), (16, 32, 32, 3), (8, 32, 32, 3)]
    """
    store = open_store(data, split, input_size)

    def faces(count: int) -> tf.data.Dataset:
        order = epoch_order(len(store), seed, epoch, sampling)
        return _in_order(store, order, input_size, count)

    return augmented_batches(faces, len(store), batch_size, seed, epoch, augment)


def augmented_batches(
    faces: Callable[[int], tf.data.Dataset],
    count: int,
    batch_size: int,
    seed: int,
    epoch: int,
    augment: Augmentation,
) -> tf.data.Dataset:
    """Return one epoch of batches with its augmentations, see `training_dataset`.

    Args:
        faces: gives the epoch's (images, targets) in batches of this size.
        count: of all faces of the epoch.
    """
    if augment == Augmentation.none():
        return _counted(faces(batch_size).map(_as_float), count, batch_size)
    # One 63-bit number for both, so that no epoch of one seed repeats an epoch of another.
    state = np.random.SeedSequence([abs(seed), epoch]).generate_state(1, np.uint64)[0]
    mixed = tf.constant(int(state >> np.uint64(1)), tf.int64)
    seeds = tf.data.Dataset.counter().map(lambda k: tf.stack([mixed, k]))
    parts = tf.data.Dataset.zip(faces(AUGMENTED_AT_ONCE), seeds).map(
        _augmenter(augment), num_parallel_calls=tf.data.AUTOTUNE
    )
    return _counted(parts.rebatch(batch_size), count, batch_size)


def evaluation_dataset(
    data: PreparedData, split: str, *, input_size: int, batch_size: int
) -> tf.data.Dataset:
    """Return the faces of a split in the order of `data.rows(split)`, as they are.

    Returns:
        Batches of (B, S, S, 3) float32 images in 0 ... 255 and (B, 2) float32 targets.

    >>> data = PreparedData("data/mine")
    >>> faces = evaluation_dataset(data, "val", input_size=32, batch_size=64)
    >>> [(tuple(images.shape), tuple(targets.shape)) for images, targets in faces]
    [((40, 32, 32, 3), (40, 2))]
    """
    store = open_store(data, split, input_size)
    faces = _in_order(store, np.arange(len(store)), input_size, batch_size)
    return _counted(faces.map(_as_float), len(store), batch_size)


def batch_paths(
    data: PreparedData,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    batch_index: int,
    split: str = "train",
    sampling: Sampling | None = None,
) -> list[str]:
    """Return the manifest paths of the faces in one batch of `training_dataset`."""
    paths = data.rows(split)["path"].to_numpy()
    order = epoch_order(len(paths), seed, epoch, sampling)
    return paths[order[batch_index * batch_size :][:batch_size]].tolist()


def trimmed(dataset: tf.data.Dataset, faces: int, batch_size: int, devices: int) -> tf.data.Dataset:
    """Return the batches without the last faces, fewer than `devices`, that cannot be shared.

    Args:
        dataset: batches of (images, targets).
        faces: how many there are in all.
        batch_size: of every batch but the last; a multiple of `devices`.
        devices: how many share a batch.
    """

    def cut(*batch):
        count = tf.shape(batch[0])[0]
        return tuple(part[: count - count % devices] for part in batch)

    return dataset.map(cut).take(math.ceil((faces - faces % devices) / batch_size))


def filled(dataset: tf.data.Dataset, faces: int, devices: int) -> tf.data.Dataset:
    """Return the batches filled up with faces of weight 0, and the weights as a third part.

    The others weigh a little more than 1, as Keras divides a loss by the faces and not by their
    weights.

    Args:
        dataset: batches of (images, targets).
        faces: how many there are in all; only the last batch may lack some.
        devices: how many share a batch.
    """
    weight = (faces + -faces % devices) / faces

    def fill(images, targets):
        count = tf.shape(images)[0]
        lacking = -count % devices
        weights = tf.pad(tf.fill([count], weight), [[0, lacking]])
        images = tf.pad(images, [[0, lacking], [0, 0], [0, 0], [0, 0]])
        return images, tf.pad(targets, [[0, lacking], [0, 0]]), weights

    return dataset if faces % devices == 0 else dataset.map(fill)


def read_images(images: EncodedImages, numbers: np.ndarray, at_once: int = 1) -> tf.data.Dataset:
    """Return encoded images, in the order of their numbers, read as they are asked for.

    Args:
        images: where they are.
        numbers: (N,) which of them.
        at_once: faces to read in one call.
    """

    def read(chosen: np.ndarray) -> np.ndarray:
        return np.array(images.read(chosen), object)

    chosen = tf.data.Dataset.from_tensor_slices(numbers.astype(np.int64)).batch(at_once)
    parts = chosen.map(
        lambda part: tf.ensure_shape(tf.numpy_function(read, [part], tf.string), [None]),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return parts.unbatch()


def _in_order(store: FaceStore, order: np.ndarray, size: int, count: int) -> tf.data.Dataset:
    """Return batches of `count` (images, targets) in the order of the indices."""
    targets = tf.constant(store.targets)
    indices = tf.data.Dataset.from_tensor_slices(order.astype(np.int64))
    if store.images is not None:
        return indices.batch(count).map(
            # Of the variable's value: `tf.gather` of the variable itself would copy all of it.
            lambda i: (tf.gather(store.images.value(), i), tf.gather(targets, i))
        )
    if store.encoded is not None:
        encoded = indices.map(lambda i: store.encoded[i])
    else:
        encoded = read_images(store.records, order, READ_AT_ONCE)
    return (
        tf.data.Dataset.zip(encoded, indices)
        .map(
            lambda face, i: (decode(face, size), targets[i]),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        .batch(count)
    )


@functools.lru_cache
def _augmenter(augment: Augmentation) -> Callable:
    """Return the graph that augments a part of an epoch, made once for all epochs."""
    return tf.function(functools.partial(_augmented, augment))


def _augmented(augment: Augmentation, part, seed):
    images, targets = part
    # Always in the same size: `compiled` would compile again for another one.
    count, size = tf.shape(images)[0], images.shape[1]
    images = tf.pad(images, [[0, AUGMENTED_AT_ONCE - count], [0, 0], [0, 0], [0, 0]])
    images = tf.ensure_shape(images, [AUGMENTED_AT_ONCE, size, size, 3])
    draws = draw_batch(augment, AUGMENTED_AT_ONCE, seed)
    images = apply(tensorflow_ops, images, draws, augment, compiled_stage)
    if augment.mixup:
        images, targets = mix(images, targets, draws["mixup"])
    return images[:count], targets


def _counted(batches: tf.data.Dataset, faces: int, batch_size: int) -> tf.data.Dataset:
    """Say how many batches there are, which Keras asks for and TensorFlow does not always know."""
    count = math.ceil(faces / batch_size)
    batches = batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(PREFETCHED)
    options = tf.data.Options()
    # Its thread sleeps between looks, and the end of an epoch waits for it: three quarters of a
    # second, as a rule, for nothing gained. Without it, parallel steps use all cores.
    options.autotune.enabled = False
    return batches.with_options(options)


def _as_float(images, targets):
    return tf.cast(images, tf.float32), targets
