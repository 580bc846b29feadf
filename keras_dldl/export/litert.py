"""LiteRT (once TensorFlow Lite): one file for phones, small devices, and our own predictions."""

import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_dldl.export.graph import traced
from keras_dldl.models import FaceModel

PRECISIONS = ("float32", "float16", "int8-dynamic", "int8")
# What follows the convolutions stays in float32: in steps of 1/256 the probabilities of 101 labels
# alone cost half a year, and always to the same side. It is no part of the time.
FLOAT_OPERATIONS = (
    "ADD", "CONCATENATION", "CUMSUM", "DIV", "EXP", "LOGISTIC", "MEAN", "MUL", "RESHAPE", "SOFTMAX",
    "SPLIT", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "STRIDED_SLICE", "SUB", "SUM",
)  # fmt: skip
# VGG-16 has 120 million weights in these, which is what whole numbers are for.
KEPT_WHOLE = {"vgg16"}


def convert(
    model: FaceModel, mirror: bool, precision: str = "float32", faces: np.ndarray | None = None
) -> bytes:
    """Return the content of a `.tflite` file.

    Args:
        model: what to convert; see `graph.traced` for what comes in and goes out.
        mirror: average image and mirror image inside.
        precision: "float32"; "float16": weights in half precision; "int8-dynamic": weights in 8
            bits, activations quantised as they come; "int8": all convolutions in 8 bits, by the
            ranges that `faces` show.
        faces: (N, S, S, 3) uint8, for "int8".

    Raises:
        ConfigError: Keras does not run on TensorFlow.
    """
    import tensorflow as tf

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
