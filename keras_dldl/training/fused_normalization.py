"""Batch normalisation as one TensorFlow operation, for training.

Keras writes it as some ten operations, in float32 whatever the precision. On a processor these cost
a fifth to two fifths of a training step of the paper's networks, since their maps are large and
their channels few; the one operation reads each map twice (`benchmarks/fused_normalization.py`).
"""

from typing import Any

import keras

from keras_dldl.training.freezing import innermost_layers


def fuse_batch_normalization(model: keras.Model) -> int:
    """Have the layers of batch normalisation in `model` compute by TensorFlow's fused operation.

    Weights, numbers (but for rounding) and the file of the model stay what they are: only how these
    objects compute changes. Left alone are layers over several devices, over another axis than the
    last of images, or without scale or centre, and half-precision float16.

    Returns:
        How many layers were changed.
    """
    changed = 0
    for layer in innermost_layers(model):
        if type(layer) is keras.layers.BatchNormalization and _can_be_fused(layer):
            layer.call = _Fused(layer)
            changed += 1
    return changed


def _can_be_fused(layer: keras.layers.BatchNormalization) -> bool:
    shape = layer.gamma.shape if layer.scale and layer.center else None
    return (
        shape is not None
        and layer.axis in (-1, 3)
        and layer.input_spec.ndim == 4
        and not layer.synchronized
        and not layer.renorm
        and layer.compute_dtype in ("float32", "bfloat16")
    )


class _Fused:
    """What a layer does when it is called.

    It stands in for the layer's own `call`, so that the layer remains of Keras's class: it is
    saved, frozen and counted as before.
    """

    def __init__(self, layer: keras.layers.BatchNormalization) -> None:
        self.layer = layer

    def __call__(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        layer = self.layer
        if not (training and layer.trainable):
            return self._normalised(inputs, layer.moving_mean, layer.moving_variance, False)[0]
        outputs, mean, variance = self._normalised(inputs, (), (), True)
        count = keras.ops.cast(keras.ops.size(inputs[..., 0]), "float32")
        # The operation gives the sample variance, Keras keeps the population's.
        self._move(layer.moving_mean, mean)
        self._move(layer.moving_variance, variance * ((count - 1) / count))
        return outputs

    def _normalised(self, inputs: Any, mean: Any, variance: Any, is_training: bool) -> tuple:
        import tensorflow as tf

        layer = self.layer
        gamma, beta, mean, variance = (
            tf.convert_to_tensor(v, tf.float32) for v in (layer.gamma, layer.beta, mean, variance)
        )
        return tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=gamma,
            offset=beta,
            mean=mean,
            variance=variance,
            epsilon=layer.epsilon,
            is_training=is_training,
        )[:3]

    def _move(self, average: Any, new: Any) -> None:
        momentum = self.layer.momentum
        average.assign(average * momentum + new * (1 - momentum))
