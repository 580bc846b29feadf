"""What every export computes: aligned faces in, value, spread and distribution out."""

from collections.abc import Callable
from typing import Any

from keras_dldl import ops
from keras_dldl.errors import ConfigError
from keras_dldl.layers.normalization import FACE_NORMALIZATION
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
        serve_function(model, mirror, normalized_by_rows(model)),
        input_signature=[tf.TensorSpec(shape, tf.float32, name=INPUT)],
        autograph=False,
    )
    return module


def serve_function(model: FaceModel, mirror: bool, distribution: Callable) -> Callable:
    """Return the function from faces to what an export answers, by name; see `traced`.

    Args:
        model: whose grid and decoder are used.
        mirror: average image and mirror image inside.
        distribution: the model, as a function from images to distributions.
    """
    import tensorflow as tf

    labels = model.grid.labels

    def serve(images):
        if mirror:
            both = distribution(tf.concat([images, images[:, :, ::-1]], axis=0))
            p = sum(tf.split(both, 2)) / 2
        else:
            p = distribution(images)
        value = ops.decode(p, labels, model.method.decoder)
        return {"value": value, "std": tf.sqrt(ops.variance(p, labels)), "distribution": p}

    return serve


def normalized_by_rows(model: FaceModel) -> Callable:
    """Return the model as a function from images to distributions that normalises row by row.

    Runtimes stretch the three numbers of the channels over an image pixel by pixel, which costs as
    much as a convolution of TinyAgeNet; a row of 3 S numbers they take at the speed of memory. The
    arithmetic is the same, number by number.

    Args:
        model: of any backbone; one that normalises in another way is returned as it is.
    """
    import keras
    import numpy as np
    import tensorflow as tf

    first = model.layers[1]
    if first.name != FACE_NORMALIZATION or not isinstance(first, keras.layers.Rescaling):
        return lambda images: model(images, training=False)
    after = keras.Model(first.output, model.output)
    size = model.input_size
    scale, offset = (np.tile(np.float32(one), size) for one in (first.scale, first.offset))

    def distribution(images):
        rows = tf.reshape(images, (-1, size, 3 * size)) * scale + offset
        return after(tf.reshape(rows, (-1, size, size, 3)), training=False)

    return distribution
