"""What a file for a device computes: aligned faces in, value, spread and distribution out."""

from collections.abc import Callable
from typing import Any

from keras_dldl import ops
from keras_dldl.errors import ConfigError
from keras_dldl.models import FaceModel

INPUT = "images"


def traced(model: FaceModel, mirror: bool) -> Any:
    """Return the computation as a `tf.Module` with a function `serve`.

    `serve` takes `images`, (B, S, S, 3) float32 RGB, 0 ... 255, S the model's input size and B
    free; it returns `value` (B,), `std` (B,) and `distribution` (B, K), float32.

    Args:
        model: what to export.
        mirror: average image and mirror image inside.

    Raises:
        ConfigError: Keras does not run on TensorFlow.
    """
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        raise ConfigError(
            "Files for devices are written by Keras on TensorFlow: set KERAS_BACKEND=tensorflow. "
            f"Received: KERAS_BACKEND={keras.backend.backend()}"
        )
    shape = (None, model.input_size, model.input_size, 3)
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]  # else they stay variables
    module.serve = tf.function(
        _function(model, mirror),
        input_signature=[tf.TensorSpec(shape, tf.float32, name=INPUT)],
        autograph=False,
    )
    return module


def _function(model: FaceModel, mirror: bool) -> Callable:
    import tensorflow as tf

    labels = model.grid.labels

    def serve(images):
        if mirror:
            both = model(tf.concat([images, images[:, :, ::-1]], axis=0), training=False)
            p = sum(tf.split(both, 2)) / 2
        else:
            p = model(images, training=False)
        value = ops.decode(p, labels, model.method.decoder)
        return {"value": value, "std": tf.sqrt(ops.variance(p, labels)), "distribution": p}

    return serve
