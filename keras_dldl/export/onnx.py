"""ONNX, the format of ONNX Runtime and of many other runtimes."""

import json
from typing import Any

import numpy as np

from keras_dldl.errors import ConfigError
from keras_dldl.export.graph import INPUT, traced
from keras_dldl.models import FaceModel
from keras_dldl.runtime.card_files import CARD_NAME

PRECISIONS = ("float32",)
OPSET = 17  # read by every ONNX Runtime since 1.12


def convert(
    model: FaceModel, mirror: bool, precision: str = "float32", faces: np.ndarray | None = None
) -> bytes:
    """Return the content of an `.onnx` file with a free batch size.

    Args:
        model: what to convert; see `graph.traced` for what comes in and goes out.
        mirror: average image and mirror image inside.
        precision: "float32".
        faces: not needed.

    Raises:
        ConfigError: `tf2onnx` is not installed, or Keras does not run on TensorFlow.
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


def with_card(content: bytes, card: dict[str, Any]) -> bytes:
    """Return the file with the card among its `metadata_props`.

    Args:
        content: of an `.onnx` file.
        card: JSON values.
    """
    import onnx

    model = onnx.load_model_from_string(content)
    onnx.helper.set_model_props(model, {CARD_NAME: json.dumps(card)})
    onnx.checker.check_model(model)
    return model.SerializeToString()
