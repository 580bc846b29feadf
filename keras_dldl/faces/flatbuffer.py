"""Writes a chain of convolutions, slopes and poolings as a network in LiteRT's format."""

from dataclasses import dataclass
from typing import Any

import numpy as np

FORMAT_VERSION = 3
FILE_IDENTIFIER = b"TFL3"
SMALLEST_SIDE = 48  # any that all layers can take: the sides are set at each call


@dataclass(frozen=True)
class Convolution:
    """A convolution of stride 1, no padding: kernel (h, w, in, out), bias (out,)."""

    kernel: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Slope:
    """A PReLU: `x` where it is positive, else `slope x`; (C,)."""

    slope: np.ndarray


@dataclass(frozen=True)
class Pooling:
    """The maximum over squares of `side` pixels, `stride` apart; `padded` keeps a part square."""

    side: int
    stride: int
    padded: bool = False


Layer = Convolution | Slope | Pooling


def network_bytes(layers: list[Layer], size: tuple[int | None, int | None]) -> bytes:
    """Return the content of a `.tflite` file: (B, H, W, C) float32 -> (B, h, w, C') float32.

    Args:
        layers: from first to last; the first one is a convolution.
        size: height and width of the input, None where it is free.

    Raises:
        ImportError: `ai-edge-litert` is not installed.
    """
    import flatbuffers

    writer = _Writer(layers[0].kernel.shape[2], size)
    for layer in layers:
        writer.add(layer)
    builder = flatbuffers.Builder(2**20)
    builder.Finish(writer.model().Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


class _Writer:
    """A network that grows layer by layer, as the objects of LiteRT's schema."""

    def __init__(self, channels: int, size: tuple[int | None, int | None]):
        from ai_edge_litert import schema_py_generated

        self._schema = schema_py_generated
        self._operators: list[Any] = []
        self._buffers = [schema_py_generated.BufferT()]  # the first one is empty by convention
        self._tensors: list[Any] = []
        self._shape = [1, *(side or SMALLEST_SIDE for side in size), channels]
        self._is_free = [True, *(side is None for side in size), False]
        self._last = self._new_values()

    def add(self, layer: Layer) -> None:
        kinds = {Convolution: self._convolution, Slope: self._slope, Pooling: self._pooling}
        kinds[type(layer)](layer)

    def model(self) -> Any:
        s = self._schema
        graph = s.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = [0], [self._last]
        model = s.ModelT()
        model.version, model.subgraphs, model.buffers = FORMAT_VERSION, [graph], self._buffers
        model.operatorCodes = [self._code(code) for code in self._builtins()]
        return model

    def _builtins(self) -> list[int]:
        operators = self._schema.BuiltinOperator
        return [operators.CONV_2D, operators.PRELU, operators.MAX_POOL_2D]

    def _code(self, builtin: int) -> Any:
        code = self._schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = 1
        return code

    def _convolution(self, layer: Convolution) -> None:
        height, width, _, channels = layer.kernel.shape
        inputs = [self._constant(layer.kernel.transpose(3, 0, 1, 2)), self._constant(layer.bias)]
        options = self._schema.Conv2DOptionsT()
        options.padding = self._schema.Padding.VALID
        options.strideH = options.strideW = 1
        batch, rows, columns, _ = self._shape
        self._shape = [batch, rows - height + 1, columns - width + 1, channels]
        self._operate(0, inputs, self._schema.BuiltinOptions.Conv2DOptions, options)

    def _slope(self, layer: Slope) -> None:
        inputs = [self._constant(layer.slope.reshape(1, 1, -1))]
        self._operate(1, inputs, self._schema.BuiltinOptions.NONE, None)

    def _pooling(self, layer: Pooling) -> None:
        options = self._schema.Pool2DOptionsT()
        padding = self._schema.Padding
        options.padding = padding.SAME if layer.padded else padding.VALID
        options.filterHeight = options.filterWidth = layer.side
        options.strideH = options.strideW = layer.stride
        lost = 1 if layer.padded else layer.side
        batch, rows, columns, channels = self._shape
        sides = [-(-(side - lost + 1) // layer.stride) for side in (rows, columns)]
        self._shape = [batch, *sides, channels]
        self._operate(2, [], self._schema.BuiltinOptions.Pool2DOptions, options)

    def _operate(self, code: int, inputs: list[int], kind: int, options: Any) -> None:
        operator = self._schema.OperatorT()
        operator.opcodeIndex = code
        operator.inputs = [self._last, *inputs]
        operator.builtinOptionsType, operator.builtinOptions = kind, options
        self._last = self._new_values()
        operator.outputs = [self._last]
        self._operators.append(operator)

    def _new_values(self) -> int:
        tensor = self._tensor(self._shape, buffer=0)
        free = zip(self._is_free, self._shape, strict=True)
        tensor.shapeSignature = [-1 if is_free else side for is_free, side in free]
        return len(self._tensors) - 1

    def _constant(self, values: np.ndarray) -> int:
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values, "<f4").tobytes(), np.uint8)
        self._buffers.append(buffer)
        self._tensor(values.shape, buffer=len(self._buffers) - 1)
        return len(self._tensors) - 1

    def _tensor(self, shape: Any, buffer: int) -> Any:
        tensor = self._schema.TensorT()
        tensor.shape, tensor.buffer = [int(side) for side in shape], buffer
        tensor.type = self._schema.TensorType.FLOAT32
        tensor.name = f"t{len(self._tensors)}"
        self._tensors.append(tensor)
        return tensor
