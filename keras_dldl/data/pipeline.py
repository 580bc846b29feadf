"""`tf.data` from prepared faces to batches; one data set object is one epoch.

The order of an epoch and its augmentations are functions of seed and epoch alone, so a resumed run
sees what an uninterrupted one would have seen.
"""

import functools
import itertools
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_dldl.data.augment import Augmentation, tensorflow_ops
from keras_dldl.data.augment.apply import apply
from keras_dldl.data.augment.compiled import compiled_stage
from keras_dldl.data.augment.draws import draw_batch
from keras_dldl.data.augment.mixing import mix
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.records.tfrecord import parse_batch
from keras_dldl.data.sampling import Sampling, epoch_order
from keras_dldl.data.store import FaceStore, decode, open_store

STREAM_BUFFER = 8192
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
    """
    store = open_store(data, split, input_size)

    def faces(count: int) -> tf.data.Dataset:
        return _shuffled(store, input_size, (seed, epoch, sampling), count)

    return augmented_batches(faces, len(store), batch_size, seed, epoch, augment)


def augmented_batches(
    faces: Callable[[int], tf.data.Dataset],
    count: int,
    batch_size: int,
    seed: int,
    epoch: int,
    augment: Augmentation,
) -> tf.data.Dataset:
    """Return one epoch of batches with its augmentations.

    Args:
        faces: gives the epoch's (images, targets) in batches of so many.
        count: of all faces of the epoch.
        batch_size: faces in a batch; the last one may be shorter.
        seed: another seed, other augmentations.
        epoch: number of the epoch, likewise.
        augment: strengths of the augmentations.
    """
    if augment == Augmentation.none():
        return _counted(faces(batch_size).map(_as_float), count, batch_size)
    seeds = tf.data.Dataset.counter().map(lambda k: tf.stack([_mix(seed, epoch), k]))
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
    input_size: int,
    split: str = "train",
    sampling: Sampling | None = None,
) -> list[str]:
    """Return the manifest paths of the faces in one batch of `training_dataset`."""
    store = open_store(data, split, input_size)
    first = batch_index * batch_size
    if not store.files:
        order = epoch_order(len(store), seed, epoch, sampling)
        return store.paths[order][first : first + batch_size].tolist()
    stream = _stream_records(store, seed, epoch, sampling).map(
        lambda image, label, sigma, path: path
    )
    chosen = itertools.islice(stream.as_numpy_iterator(), first, first + batch_size)
    return [path.decode("utf-8") for path in chosen]


def _mix(seed: int, epoch: int) -> tf.Tensor:
    # One 63-bit number for both, so that no epoch of one seed repeats an epoch of another.
    state = np.random.SeedSequence([abs(seed), epoch]).generate_state(1, np.uint64)[0]
    return tf.constant(int(state >> np.uint64(1)), tf.int64)


def _shuffled(store: FaceStore, size: int, drawn: tuple, count: int) -> tf.data.Dataset:
    """Return batches of `count` (images, targets) as seed, epoch and sampling draw them."""
    if not store.files:
        return _in_order(store, epoch_order(len(store), *drawn), size, count)
    return _decoded(_stream_records(store, *drawn), size).batch(count)


def _in_order(store: FaceStore, order: np.ndarray, size: int, count: int) -> tf.data.Dataset:
    """Return batches of `count` (images, targets) in the order of the indices."""
    if store.files:
        return _decoded(_records(store.files), size).batch(count)
    targets = tf.constant(store.targets)
    indices = tf.data.Dataset.from_tensor_slices(order.astype(np.int64))
    if store.images is not None:
        return indices.batch(count).map(
            # Of the variable's value: `tf.gather` of the variable itself would copy all of it.
            lambda i: (tf.gather(store.images.value(), i), tf.gather(targets, i))
        )
    return indices.map(
        lambda i: (decode(store.encoded[i], size), targets[i]),
        num_parallel_calls=tf.data.AUTOTUNE,
    ).batch(count)


def _decoded(records: tf.data.Dataset, size: int) -> tf.data.Dataset:
    return records.map(
        lambda image, label, sigma, path: (decode(image, size), tf.stack([label, sigma])),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def _stream_records(
    store: FaceStore, seed: int, epoch: int, sampling: Sampling | None
) -> tf.data.Dataset:
    order = epoch_order(len(store.files), seed, epoch)
    records = _records([store.files[i] for i in order])
    if sampling is not None:
        counts = np.split(sampling.counts(seed, epoch), np.cumsum(store.lengths)[:-1])
        records = _repeated(records, np.concatenate([counts[i] for i in order]))
    return records.shuffle(STREAM_BUFFER, seed=int(_mix(seed, epoch)) % 2**31)


def _repeated(records: tf.data.Dataset, counts: np.ndarray) -> tf.data.Dataset:
    """Return each record as often as `counts` says."""
    numbered = tf.data.Dataset.zip(records, tf.data.Dataset.from_tensor_slices(counts))
    return numbered.flat_map(
        lambda record, count: tf.data.Dataset.from_tensors(record).repeat(count)
    )


def _records(files) -> tf.data.Dataset:
    names = [str(path) for path in files]
    return tf.data.TFRecordDataset(names).batch(256).map(parse_batch).unbatch()


@functools.lru_cache
def _augmenter(augment: Augmentation) -> Callable:
    """Return the graph that augments a part of an epoch, made once for all epochs."""
    return tf.function(functools.partial(_augmented, augment))


def _augmented(augment: Augmentation, part, seed):
    images, targets = part
    # Always in the same size: `compiled` would compile another one anew.
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
