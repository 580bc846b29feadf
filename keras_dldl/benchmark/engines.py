"""The engines that are measured: how a model is opened in each, and what it needs."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl.export import conversion, saved_model
from keras_dldl.interpreters import LiteRTInterpreter, OnnxInterpreter
from keras_dldl.models import FaceModel

Runner = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Setting:
    """What an engine may need to open a model.

    Args:
        threads: of a call.
        folder: an empty folder.
        faces: to calibrate "int8" on, (N, S, S, 3) uint8.
    """

    threads: int
    folder: Path
    faces: np.ndarray


@dataclass(frozen=True)
class Engine:
    """A runtime with a precision.

    Args:
        title: for people.
        precision: of the weights, as `export --precision` has it.
        open: gives a function from (B, S, S, 3) float32 images to the values, (B,).
        packages: what must be installed besides TensorFlow.
        install: how.
    """

    title: str
    precision: str
    open: Callable[[FaceModel, Setting], Runner]
    packages: tuple[str, ...] = ()
    install: str = ""

    @property
    def arithmetic(self) -> str:
        """In which numbers it multiplies: "float32" or "int8"."""
        return "int8" if self.precision.startswith("int8") else "float32"

    def missing(self) -> str | None:
        """Return why it cannot be measured here, or None."""
        absent = [name for name in self.packages if importlib.util.find_spec(name) is None]
        return f"{', '.join(absent)} not installed: pip install {self.install}" if absent else None


def _keras(model: FaceModel, setting: Setting) -> Runner:
    import keras

    decoder = model.method.decoder

    def run(images: np.ndarray) -> np.ndarray:
        p = keras.ops.convert_to_numpy(model(images, training=False))
        return model.grid.decode(p, decoder)

    return run


def _saved_model(model: FaceModel, setting: Setting) -> Runner:
    import tensorflow as tf

    saved_model.write(model, setting.folder, mirror=False)
    loaded = tf.saved_model.load(setting.folder)
    serve = loaded.signatures["images_float"]

    def run(images: np.ndarray) -> np.ndarray:
        return serve(images=tf.constant(images))["value"].numpy()

    run.keeps = loaded  # the function does not keep its own weights
    return run


def _litert(precision: str) -> Callable[[FaceModel, Setting], Runner]:
    def opened(model: FaceModel, setting: Setting) -> Runner:
        content = conversion.to_litert(model, False, precision, setting.faces)
        return _value_of(LiteRTInterpreter(content, setting.threads))

    return opened


def _onnx(model: FaceModel, setting: Setting) -> Runner:
    return _value_of(OnnxInterpreter(conversion.to_onnx(model, False), setting.threads))


def _openvino(model: FaceModel, setting: Setting) -> Runner:
    import openvino

    core = openvino.Core()
    read = core.read_model(conversion.to_onnx(model, False), b"")
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": setting.threads,
        "INFERENCE_PRECISION_HINT": "f32",  # by itself it takes bfloat16 where it can
    }
    request = core.compile_model(read, "CPU", settings).create_infer_request()

    def run(images: np.ndarray) -> np.ndarray:
        request.infer([images], share_inputs=True)
        return request.get_tensor("value").data.copy()

    return run


def _value_of(network: Any) -> Runner:
    return lambda images: network(images.astype(network.input_dtype, copy=False))["value"]


_LITERT = (("ai_edge_litert",), "ai-edge-litert")
_ONNX = (("tf2onnx", "onnx", "onnxruntime"), '"keras-dldl[onnx]"')
_OPENVINO = (("tf2onnx", "onnx", "openvino"), '"keras-dldl[onnx,openvino]"')

ENGINES: dict[str, Engine] = {
    "keras": Engine("Keras", "float32", _keras),
    "saved-model": Engine("SavedModel", "float32", _saved_model),
    "litert": Engine("LiteRT", "float32", _litert("float32"), *_LITERT),
    "onnx": Engine("ONNX Runtime", "float32", _onnx, *_ONNX),
    "openvino": Engine("OpenVINO", "float32", _openvino, *_OPENVINO),
    "litert-float16": Engine("LiteRT", "float16", _litert("float16"), *_LITERT),
    "litert-int8-dynamic": Engine("LiteRT", "int8-dynamic", _litert("int8-dynamic"), *_LITERT),
    "litert-int8": Engine("LiteRT", "int8", _litert("int8"), *_LITERT),
}
