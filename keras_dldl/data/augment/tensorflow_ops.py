"""What the augmentations use of `keras.ops`, by TensorFlow: for `tf.data` under any back end."""

import tensorflow as tf

arange = tf.range
cast = tf.cast
clip = tf.clip_by_value
concatenate = tf.concat
convert_to_tensor = tf.convert_to_tensor
cos = tf.cos
einsum = tf.einsum
exp = tf.exp
floor = tf.floor
logical_and = tf.logical_and
logical_or = tf.logical_or
matmul = tf.matmul
maximum = tf.maximum
mean = tf.reduce_mean
minimum = tf.minimum
ones_like = tf.ones_like
reshape = tf.reshape
round = tf.round
sin = tf.sin
stack = tf.stack
sum = tf.reduce_sum
take = tf.gather
tan = tf.tan
transpose = tf.transpose
where = tf.where
zeros_like = tf.zeros_like


def shape(x: tf.Tensor) -> tuple:
    """Return the sizes of a tensor; those not known before it runs are tensors."""
    return tuple(size or tf.shape(x)[k] for k, size in enumerate(x.shape))
