"""From the chain of a Torch7 network to layers and their weights.

Torch7's images are (C, H, W), its kernels (out, in, H, W), its linear weights (out, in); here they
are (H, W, C), (H, W, in, out) and (in, out).
"""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.importing.torch7_chain import Link
from keras_dldl.models.layer_list import (
    BatchNormalization,
    Convolution,
    Dropout,
    Flatten,
    GlobalAverage,
    Layer,
    Linear,
    Pooling,
    ReLU,
    Scale,
    Shape,
)

# For one image. VGG-16's largest has 3.2 million at 224 x 224; a file of a few bytes must not stand
# for a network that no memory holds.
MAX_OUTPUTS = 2**26


@dataclass
class Network:
    """Layers, the weights of each in Keras's order, and the shape that comes out of the last.

    Attributes:
        shape: so far; without the batch.
        most_parameters: as many numbers the file can hold.
        before: the shape that the last layer was given.
    """

    shape: Shape
    most_parameters: int
    layers: list[Layer] = field(default_factory=list)
    weights: list[list[np.ndarray]] = field(default_factory=list)
    parameters: int = 0
    before: Shape = ()

    def add(self, layer: Layer, weights: list[np.ndarray], link: Link) -> None:
        """Put a layer behind the others."""
        try:
            self.before, self.shape = self.shape, layer.output_shape(self.shape)
        except ConfigError as error:
            raise ModelFileError(f"In the Torch7 network, {link.fields.place}: {error}") from error
        self.parameters += sum(array.size for array in weights)
        if self.parameters > self.most_parameters:
            link.fields.fail(
                "the weights of all layers must be in the file, and not one for several",
                f"{self.parameters} numbers",
            )
        if math.prod(self.shape) > MAX_OUTPUTS:
            link.fields.fail(f"a layer may have {MAX_OUTPUTS} outputs", math.prod(self.shape))
        self.layers.append(layer)
        self.weights.append([as_float32(array, link) for array in weights])


def read_layers(chain: list[Link], input_size: int, most_parameters: int) -> Network:
    """Return the layers that a chain of modules stands for.

    Args:
        chain: the modules.
        input_size: side of the images in pixels.
        most_parameters: as many numbers the file can hold.

    Raises:
        ModelFileError: a module is unknown or damaged, or does not fit the one before.
    """
    network = Network((input_size, input_size, 3), most_parameters)
    for link in chain:
        if link.name not in _READERS:
            link.fields.fail("there may be none of it before the head", link.name)
        try:
            _READERS[link.name](link, network)
        except ConfigError as error:  # of a layer's own numbers
            raise ModelFileError(f"In the Torch7 network, {link.fields.place}: {error}") from error
    return network


def as_float32(array: np.ndarray, link: Link) -> np.ndarray:
    """Return weights in single precision, once they fit."""
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    if not np.isfinite(single).all():
        link.fields.fail("its weights must fit into float32", "larger numbers")
    return single


def linear_weights(link: Link, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Return kernel (in, out) and bias (out,) of an nn.Linear; the bias is 0 where it has none."""
    fields = link.fields
    weight = fields.module.fields.get("weight")
    if not isinstance(weight, np.ndarray) or weight.ndim != 2:
        fields.fail("`weight` must be a matrix", weight)
    outputs = weight.shape[0]
    kernel = fields.tensor("weight", (outputs, inputs)).T
    bias = fields.tensor("bias", (outputs,)) if fields.has("bias") else np.zeros(outputs)
    return kernel, bias


def _convolution(link: Link, network: Network) -> None:
    fields = link.fields
    inputs, filters = (fields.integer(f"n{side}Plane", minimum=1) for side in ("Input", "Output"))
    if inputs != _channels(link, network):
        fields.fail(f"`nInputPlane` must be {_channels(link, network)}", inputs)
    if fields.integer("groups", 1) != 1 or fields.integer("dilationH", 1) != 1:
        fields.fail("convolutions with groups or dilation are not read", "one of them")
    kernel, strides = fields.pair("k", minimum=1), fields.pair("d", 1, minimum=1)
    # The oldest files have one `padding` for both sides.
    padding = fields.pair("pad", fields.integer("padding", 0))
    shape = (filters, inputs, *kernel)
    weight = fields.tensor("weight", shape, (filters, math.prod(shape[1:])))
    weights = [weight.transpose(2, 3, 1, 0)]
    if fields.has("bias"):
        weights.append(fields.tensor("bias", (filters,)))
    network.add(Convolution(filters, kernel, strides, padding, len(weights) == 2), weights, link)


def _batch_normalization(link: Link, network: Network) -> None:
    fields, size = link.fields, (network.shape[-1],)
    wanted = 3 if link.name.startswith("Spatial") else 1
    if len(network.shape) != wanted:
        fields.fail("it must follow " + ("a map" if wanted == 3 else "a vector"), network.shape)
    epsilon = fields.number("eps", 1e-5)
    gamma = fields.tensor("weight", size) if fields.has("weight") else np.ones(size)
    beta = fields.tensor("bias", size) if fields.has("bias") else np.zeros(size)
    mean = fields.tensor("running_mean", size)
    if fields.has("running_var"):
        variance = fields.tensor("running_var", size)
    else:
        # Version 1 of the class keeps 1 / sqrt(variance + eps) under this name.
        inverse = fields.tensor("running_std", size)
        if (inverse <= 0).any():
            fields.fail("`running_std` must be above 0", inverse.min())
        # Where the variance was 0, rounding can leave it a little under 0.
        variance = np.maximum(np.maximum(inverse, 1e-150) ** -2 - epsilon, 0.0)
    if (variance < 0).any():
        fields.fail("`running_var` must not be negative", variance.min())
    _fold_bias_into(mean, network)
    network.add(BatchNormalization(epsilon), [gamma, beta, mean, variance], link)


def _fold_bias_into(mean: np.ndarray, network: Network) -> None:
    """Move the bias of a convolution just before into the mean, which is the same network."""
    before = network.layers[-1] if network.layers else None
    if isinstance(before, Convolution) and before.bias:
        mean -= network.weights[-1].pop()
        network.layers[-1] = dataclasses.replace(before, bias=False)


def _pooling(link: Link, network: Network) -> None:
    fields = link.fields
    is_max = link.name == "SpatialMaxPooling"
    pooling = Pooling(
        "max" if is_max else "average",
        fields.pair("k", minimum=1),
        fields.pair("d", minimum=1),
        fields.pair("pad", 0),
        fields.flag("ceil_mode", False),
        fields.flag("count_include_pad", True) or is_max,
    )
    floored = dataclasses.replace(pooling, ceil=False)
    if len(network.shape) == 3 and _same_output(pooling, floored, network.shape):
        pooling = floored
    if pooling.ceil and link.is_cudnn and not is_max:
        fields.fail("how cuDNN averages a window over the edge is not defined", "ceil_mode")
    network.add(pooling, [], link)
    # The oldest files have no such field, and mean the sum.
    if not is_max and not link.is_cudnn and not fields.flag("divide", False):
        if any(pooling.padding) or pooling.ceil:
            fields.fail("sums of windows with a border are not read", "divide = false")
        network.add(Scale(float(math.prod(pooling.size))), [], link)


def _same_output(pooling: Pooling, other: Pooling, shape: Shape) -> bool:
    return pooling._output_shape(shape) == other._output_shape(shape)


def _view(link: Link, network: Network) -> None:
    size = link.fields.module.fields.get("size")
    count = math.prod(network.shape)
    sizes = size.tolist() if isinstance(size, np.ndarray) and size.dtype.kind == "i" else None
    # (C * H * W), with or without a -1 for the number of images.
    if sizes is None or [n for n in sizes if n != -1] not in ([count], []):
        link.fields.fail(f"it must make a vector of {count}", sizes)
    if len(network.shape) == 1:
        return
    last = network.layers[-1] if network.layers else None
    if _averages_all(last, network):
        network.layers[-1] = GlobalAverage()
        network.shape = network.shape[2:]
    else:
        network.add(Flatten(channels_first=True), [], link)


def _averages_all(layer: Any, network: Network) -> bool:
    if not isinstance(layer, Pooling) or layer.mode != "average" or any(layer.padding):
        return False
    return network.shape[:2] == (1, 1) and layer.size == network.before[:2]


def _linear(link: Link, network: Network) -> None:
    if len(network.shape) != 1:
        link.fields.fail("it must follow a vector, by way of an nn.View", network.shape)
    kernel, bias = linear_weights(link, network.shape[0])
    network.add(Linear(kernel.shape[1]), [kernel, bias], link)


def _relu(link: Link, network: Network) -> None:
    for name in ("threshold", "val"):
        if link.fields.number(name, 0.0) != 0.0:
            link.fields.fail(f"`{name}` must be 0", link.fields.number(name))
    network.add(ReLU(), [], link)


def _dropout(link: Link, network: Network) -> None:
    rate = link.fields.number("p", 0.5)
    network.add(Dropout(rate), [], link)
    # Version 1 multiplies at prediction, where version 2 divides in training.
    if not link.fields.flag("v2", False) and rate:
        network.add(Scale(1.0 - rate), [], link)


def _channels(link: Link, network: Network) -> int:
    if len(network.shape) != 3:
        link.fields.fail("it must follow a map", network.shape)
    return network.shape[2]


_READERS = {
    "SpatialConvolution": _convolution,
    "SpatialConvolutionMM": _convolution,
    "SpatialBatchNormalization": _batch_normalization,
    "BatchNormalization": _batch_normalization,
    "ReLU": _relu,
    "SpatialMaxPooling": _pooling,
    "SpatialAveragePooling": _pooling,
    "View": _view,
    "Reshape": _view,
    "Linear": _linear,
    "Dropout": _dropout,
}
