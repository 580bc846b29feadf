"""Batches of `tf.data` that several devices can share evenly."""

import math

import tensorflow as tf


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
