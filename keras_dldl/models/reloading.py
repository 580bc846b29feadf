"""Keras models from `.tflite` files: one file for LiteRT and for Keras, at the size of one.

A network for LiteRT holds each kernel once, multiplied by the batch normalisation that follows. The
archive at the end of the file adds the rest of the Keras model: its config, the other weights, and
the few bits of each kernel that the multiplication rounded away, so that every weight comes back
exactly as it was.
"""

import io
import json
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dldl.calibration import as_calibration
from keras_dldl.models.folding import normalization_after, scale_of
from keras_dldl.saved_models import CARD_FILE, KERAS_FILE


def with_keras(content: bytes, model: keras.Model) -> bytes:
    """Return a `.tflite` file with what `from_litert` needs to make the model again.

    Args:
        content: the model as a `.tflite` file in float32, with its card.
        model: the `FaceModel` that was converted.
    """
    arrays = {str(index): np.asarray(weight) for index, weight in enumerate(model.weights)}
    places = {}
    for index, kernel in _kernels(model):
        place = kernel.place_in(content)
        if place is not None:
            rounded_away = _bits(arrays[index]) - _bits(kernel.read(content, place))
            if np.abs(rounded_away).max() < 128:
                places[index], arrays[index] = place, rounded_away.astype(np.int8)
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    stream, packed = io.BytesIO(content), io.BytesIO()
    np.savez(packed, config=json.dumps([config, places]), **arrays)
    with zipfile.ZipFile(stream, "a") as archive:
        # A fixed date: the same model gives the same file.
        archive.writestr(zipfile.ZipInfo(KERAS_FILE), packed.getvalue(), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def from_litert(path: Path) -> Any:
    """Return the Keras model in a `.tflite` file that `with_keras` made.

    Raises:
        ValueError: it was exported without, or is damaged.
    """
    content = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if KERAS_FILE not in archive.namelist():
            raise ValueError("exported without --with-keras")
        arrays = dict(np.load(io.BytesIO(archive.read(KERAS_FILE))))
        card = json.loads(archive.read(CARD_FILE))
    config, places = json.loads(str(arrays.pop("config")))
    model = keras.saving.deserialize_keras_object(config)
    for index, weight in enumerate(model.weights):
        if str(index) not in places:
            weight.assign(arrays[str(index)])
    for index, kernel in _kernels(model):  # after the others, of which the scales are made
        if index in places:
            bits = _bits(kernel.read(content, places[index])) + arrays[index]
            kernel.variable.assign(bits.astype(np.int32).view(np.float32))
    model.calibration = as_calibration(card["calibration"], model.grid)
    return model


class _Kernel:
    """A kernel, and how LiteRT has it: in another order of axes, and scaled."""

    def __init__(self, layer: Any, norm: Any):
        self.variable = layer.kernel
        self._scale = np.float64(1) if norm is None else scale_of(norm, layer)
        is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        last_first = (len(layer.kernel.shape) - 1, *range(len(layer.kernel.shape) - 1))
        self._axes = range(4) if is_depthwise else last_first

    def place_in(self, content: bytes) -> int | None:
        """Return the byte at which the file has it; None where it does not."""
        from ai_edge_litert.schema_py_generated import Model

        expected = (np.asarray(self.variable) * self._scale).transpose(self._axes).ravel()
        network = Model.GetRootAs(content, 0)
        for number in range(network.BuffersLength()):
            if network.Buffers(number).DataLength() == 4 * expected.size:
                found = network.Buffers(number).DataAsNumpy()
                if np.allclose(found.view("<f4"), expected, rtol=1e-4):
                    return content.find(found.tobytes())
        return None

    def read(self, content: bytes, place: int) -> np.ndarray:
        """Return it as the file at `place` has it, its scale divided out."""
        shape = [self.variable.shape[axis] for axis in self._axes]
        values = np.frombuffer(content, "<f4", math.prod(shape), place).reshape(shape)
        kernel = values.transpose(np.argsort(self._axes))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.ascontiguousarray(kernel / self._scale, np.float32)


def _kernels(model: keras.Model) -> Iterator[tuple[str, _Kernel]]:
    """Yield the kernels that LiteRT may have as they are, each by its place in `model.weights`."""
    places = {id(weight): str(index) for index, weight in enumerate(model.weights)}
    norms = normalization_after(model)
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
    for layer in model.layers:
        if isinstance(layer, kinds):
            yield places[id(layer.kernel)], _Kernel(layer, norms.get(layer.name))


def _bits(values: np.ndarray) -> np.ndarray:
    return values.view(np.int32).astype(np.int64)
