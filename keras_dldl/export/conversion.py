"""What every export computes - aligned faces in, value, spread and distribution out - as a file."""

import json
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from keras_dldl import ops
from keras_dldl._utils.arguments import check_choice
from keras_dldl.errors import ConfigError
from keras_dldl.layers.normalization import FACE_NORMALIZATION
from keras_dldl.models import FaceModel
from keras_dldl.runtime.card import CARD_NAME

INPUT = "images"
PRECISIONS = ("float32", "float16", "int8-dynamic", "int8")
# What follows the convolutions stays in float32: in steps of 1/256 the probabilities of 101 labels
# alone cost half a year, and always to the same side. It is no part of the time.
FLOAT_OPERATIONS = (
    "ADD", "CONCATENATION", "CUMSUM", "DIV", "EXP", "LOGISTIC", "MEAN", "MUL", "RESHAPE", "SOFTMAX",
    "SPLIT", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "STRIDED_SLICE", "SUB", "SUM",
)  # fmt: skip
# VGG-16 has 120 million weights in these, which is what whole numbers are for.
KEPT_WHOLE = {"vgg16"}
OPSET = 17  # of ONNX: read by every ONNX Runtime since 1.12


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
        distribution: from images to distributions, as the model has it.
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


def to_litert(
    model: FaceModel, mirror: bool, precision: str = "float32", faces: np.ndarray | None = None
) -> bytes:
    """Return the content of a `.tflite` file of what `traced` computes.

    Args:
        model: what to convert.
        mirror: average image and mirror image inside.
        precision: "float32"; "float16": weights in half precision; "int8-dynamic": weights in 8
            bits, activations quantised as they come; "int8": all convolutions in 8 bits, by the
            ranges that `faces` show.
        faces: (N, S, S, 3) uint8, for "int8".

    Raises:
        ConfigError: another precision, "int8" without faces, or Keras does not run on TensorFlow.
    """
    import tensorflow as tf

    check_choice("precision", precision, PRECISIONS)
    if precision == "int8" and faces is None:
        raise ConfigError("`int8` must have faces to calibrate on. Received: faces=None")
    module = traced(model, mirror)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The calibrator uses TensorFlow's own interpreter, which announces its end.
        warnings.simplefilter("ignore")
        tf.saved_model.save(module, folder, signatures={"serving_default": module.serve})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if precision == "float32":
            return converter.convert()
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if precision == "int8":
            return _calibrated(converter, faces, model.backbone_name in KEPT_WHOLE)
        return converter.convert()


def _calibrated(converter: Any, faces: np.ndarray, dense_too: bool) -> bytes:
    import tensorflow as tf

    def samples() -> Iterator[list[np.ndarray]]:
        for pixel in (0, 255):  # pixels then are stored as they are
            yield [np.full_like(faces[:1], pixel, dtype=np.float32)]
        for face in faces:
            yield [face[None].astype(np.float32)]

    converter.representative_dataset = samples
    float_operations = [*FLOAT_OPERATIONS, *([] if dense_too else ["FULLY_CONNECTED"])]
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=float_operations)
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_dataset=samples, debug_options=options
    )
    return debugger.get_nondebug_quantized_model()


def to_onnx(model: FaceModel, mirror: bool) -> bytes:
    """Return the content of an `.onnx` file in float32 with a free batch size; see `to_litert`.

    Raises:
        ConfigError: `tf2onnx` is not installed.
    """
    try:
        import tf2onnx
    except ImportError as error:
        raise ConfigError(
            f'Writing ONNX needs tf2onnx: pip install "keras-dldl[onnx]". Received: {error}'
        ) from error
    import tensorflow as tf

    serve = traced(model, mirror).serve
    shape = (None, model.input_size, model.input_size, 3)
    written, _ = tf2onnx.convert.from_function(
        serve, input_signature=[tf.TensorSpec(shape, tf.float32, name=INPUT)], opset=OPSET
    )
    return written.SerializeToString()


def with_onnx_card(content: bytes, card: dict[str, Any]) -> bytes:
    """Return an `.onnx` file with the card among its `metadata_props`."""
    import onnx

    model = onnx.load_model_from_string(content)
    onnx.helper.set_model_props(model, {CARD_NAME: json.dumps(card)})
    onnx.checker.check_model(model)
    return model.SerializeToString()
