"""What is measured: the models, by name and size; the engines, and how each opens a model."""

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dldl.errors import ConfigError
from keras_dldl.export import conversion, saved_model
from keras_dldl.export.faces import drawn_faces
from keras_dldl.interpreters import LiteRTInterpreter, OnnxInterpreter
from keras_dldl.labels import LabelGrid
from keras_dldl.models import FaceModel, build_model, load_model
from keras_dldl.models.backbones import BACKBONES, PREFIX

SETTLED_ON = 8  # drawn faces
SEED = 0
Runner = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Subject:
    """A model to measure.

    Attributes:
        name: as it was asked for.
        model: the model.
        is_trained: whether its weights were learnt; else differences between engines say little.
    """

    name: str
    model: FaceModel
    is_trained: bool


def subject(name: str) -> Subject:
    """Return the model that is meant.

    Args:
        name: a backbone, which is then untrained and of 224 x 224 pixels; or a shipped model's name
            or a path. After an `@` may stand another side of the input in pixels, for backbones
            without fully connected layers: "tiny-age@224".

    Raises:
        ConfigError: a size that is no number, or that the model cannot have.
        ModelFileError: there is no such model.
    """
    plain, mark, pixels = name.rpartition("@")
    size = int(pixels) if mark and pixels.isdecimal() else None
    if size is None and plain in BACKBONES:
        raise ConfigError(f"After `@` must stand a number of pixels. Received: {name!r}")
    if size is None:
        plain = name  # a path may hold an @ of its own
    if plain in BACKBONES or plain.startswith(PREFIX):
        keras.utils.set_random_seed(SEED)
        model = build_model(plain, LabelGrid.age(), input_size=size or 224)
        settle(model)
        return Subject(name, model, False)
    model = load_model(plain)
    if size in (None, model.input_size):
        return Subject(name, model, True)
    resized = FaceModel.from_config({**model.get_config(), "input_size": size})
    try:
        resized.set_weights(model.get_weights())
    except ValueError as error:
        raise ConfigError(
            "A model with fully connected layers has one input size, here "
            f"{model.input_size}. Received: {size}"
        ) from error
    return Subject(name, resized, True)


def settle(model: FaceModel) -> None:
    """Give an untrained model's batch normalisations the statistics of drawn faces.

    With their first ones, 0 and 1, the features of a deep network grow or vanish.
    """
    layers = [one for one in model.layers if isinstance(one, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    if layers:
        model(drawn_faces(model, SETTLED_ON).astype("float32"), training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def multiply_adds(model: keras.Model) -> int:
    """Return how many products the convolutions and linear layers of a model add up, an image.

    What else there is (normalisation, pooling, activations) is left out, as is usual.

    >>> from keras_dldl import LabelGrid, build_model
    >>> multiply_adds(build_model("tiny-age-net", LabelGrid.age(), input_size=224))
    975434368
    """
    return sum(_of_layer(layer) for layer in model._flatten_layers(include_self=False))


def _of_layer(layer: keras.layers.Layer) -> int:
    if isinstance(layer, keras.layers.SeparableConv2D):
        both = (layer.depthwise_kernel, layer.pointwise_kernel)
        return math.prod(layer.output.shape[1:3]) * sum(math.prod(one.shape) for one in both)
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
        return math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape)
    if isinstance(layer, keras.layers.Dense):
        return math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape)
    return 0


@dataclass(frozen=True)
class EngineNeeds:
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
    open: Callable[[FaceModel, EngineNeeds], Runner]
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


def _keras(model: FaceModel, needs: EngineNeeds) -> Runner:
    decoder = model.method.decoder

    def run(images: np.ndarray) -> np.ndarray:
        p = keras.ops.convert_to_numpy(model(images, training=False))
        return model.grid.decode(p, decoder)

    return run


def _saved_model(model: FaceModel, needs: EngineNeeds) -> Runner:
    import tensorflow as tf

    saved_model.write(model, needs.folder, mirror=False)
    loaded = tf.saved_model.load(needs.folder)
    serve = loaded.signatures["images_float"]

    def run(images: np.ndarray) -> np.ndarray:
        return serve(images=tf.constant(images))["value"].numpy()

    run.keeps = loaded  # the function does not keep its own weights
    return run


def _litert(precision: str) -> Callable[[FaceModel, EngineNeeds], Runner]:
    def opened(model: FaceModel, needs: EngineNeeds) -> Runner:
        content = conversion.to_litert(model, False, precision, needs.faces)
        return _value_of(LiteRTInterpreter(content, needs.threads))

    return opened


def _onnx(model: FaceModel, needs: EngineNeeds) -> Runner:
    return _value_of(OnnxInterpreter(conversion.to_onnx(model, False), needs.threads))


def _openvino(model: FaceModel, needs: EngineNeeds) -> Runner:
    import openvino

    core = openvino.Core()
    read = core.read_model(conversion.to_onnx(model, False), b"")
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": needs.threads,
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
