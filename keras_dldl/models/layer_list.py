"""Backbones written as a list of layers, so that a model of any make can travel in one file.

A layer is a small frozen dataclass: it checks its numbers, knows its output's shape, and makes its
Keras layers. Its config is a dictionary that JSON can hold.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import keras

from keras_dldl.arguments import check_choice, check_flag, check_integer, check_number
from keras_dldl.errors import ConfigError
from keras_dldl.layers.padded_pooling import PaddedPooling2D, pooled_length

MAX_LAYERS = 1000

Shape = tuple[int, ...]  # (H, W, C) of a map, (C,) of a vector
Pair = tuple[int, int]


class Layer:
    """A layer of a list. `rank` is that of the shapes it takes: 3, 1, or None for both."""

    kind: ClassVar[str]
    rank: ClassVar[int | None] = None

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the output, without the batch.

        Raises:
            ConfigError: the layer does not take an input of this shape.
        """
        if self.rank not in (None, len(shape)):
            wanted = "a map (H, W, C)" if self.rank == 3 else "a vector (C,)"
            raise ConfigError(f"The layer {self} takes {wanted}. Received: shape={shape}")
        output = self._output_shape(shape)
        if min(output) < 1:
            raise ConfigError(f"The layer {self} takes larger images. Received: shape={shape}")
        return output

    def _output_shape(self, shape: Shape) -> Shape:
        return shape

    def averages_all(self, shape: Shape) -> bool:
        """Return whether each channel of a map of this shape becomes its one average."""
        return False

    def build(self, x: Any, name: str) -> Any:
        """Put the layer on a symbolic tensor (B, ...)."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return kind and numbers; `layers_from_config` makes an equal layer of them."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Convolution(Layer):
    """A convolution with the same border of zeros on both sides."""

    kind = "convolution"
    rank = 3

    filters: int
    kernel: Pair
    strides: Pair = (1, 1)
    padding: Pair = (0, 0)
    bias: bool = False

    def __post_init__(self):
        check_integer("filters", self.filters, 1)
        check_flag("bias", self.bias)
        _check_pairs(self, kernel=1, strides=1, padding=0)
        if any(pad >= size for pad, size in zip(self.padding, self.kernel, strict=True)):
            raise ConfigError(
                "`padding` must be less than the kernel, or a window could be empty. "
                f"Received: padding={self.padding}, kernel={self.kernel}"
            )

    def _output_shape(self, shape: Shape) -> Shape:
        windows = (self.kernel, self.strides, self.padding)
        rooms = zip(shape[:2], *windows, strict=True)
        return (*((n + 2 * pad - k) // step + 1 for n, k, step, pad in rooms), self.filters)

    def build(self, x: Any, name: str) -> Any:
        """Put the layer on a symbolic tensor (B, H, W, C)."""
        # Keras's "same" is this border only where nothing is skipped and the window has a middle.
        is_same = self.strides == (1, 1) and all(
            k == 2 * pad + 1 for k, pad in zip(self.kernel, self.padding, strict=True)
        )
        if any(self.padding) and not is_same:
            x = keras.layers.ZeroPadding2D(self.padding, name=f"{name}_padding")(x)
        return keras.layers.Conv2D(
            self.filters,
            self.kernel,
            self.strides,
            padding="same" if is_same else "valid",
            use_bias=self.bias,
            name=name,
        )(x)


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Batch normalisation over the channels."""

    kind = "batch_normalization"

    epsilon: float = 1e-5

    def __post_init__(self):
        check_number("epsilon", self.epsilon, minimum=0)

    def build(self, x: Any, name: str) -> Any:
        """Put the layer on a symbolic tensor (B, ..., C)."""
        return keras.layers.BatchNormalization(momentum=0.9, epsilon=self.epsilon, name=name)(x)


@dataclass(frozen=True)
class ReLU(Layer):
    """max(x, 0)."""

    kind = "relu"

    def build(self, x: Any, name: str) -> Any:
        """Put the layer on a symbolic tensor."""
        return keras.layers.ReLU(name=name)(x)


@dataclass(frozen=True)
class Pooling(Layer):
    """Maximum or average over windows; see `PaddedPooling2D`."""

    kind = "pooling"
    rank = 3

    mode: str
    size: Pair
    strides: Pair
    padding: Pair = (0, 0)
    ceil: bool = False
    count_padding: bool = True

    def __post_init__(self):
        check_choice("mode", self.mode, ("max", "average"))
        _check_pairs(self, size=1, strides=1, padding=0)
        check_flag("ceil", self.ceil)
        check_flag("count_padding", self.count_padding)
        if any(2 * pad > size for pad, size in zip(self.padding, self.size, strict=True)):
            raise ConfigError(
                "`padding` must be at most half a window, or a window could be empty. "
                f"Received: padding={self.padding}, size={self.size}"
            )

    def _output_shape(self, shape: Shape) -> Shape:
        windows = zip(shape[:2], self.size, self.strides, self.padding, strict=True)
        return (*(pooled_length(*numbers, self.ceil) for numbers in windows), shape[2])

    def averages_all(self, shape: Shape) -> bool:
        """Return whether the one window is the whole map."""
        return self.mode == "average" and self.size == shape[:2] and not any(self.padding)

    def build(self, x: Any, name: str) -> Any:
        """Put the layer on a symbolic tensor (B, H, W, C)."""
        if any(self.padding) or self.ceil:
            return PaddedPooling2D(**{**asdict(self), "name": name})(x)
        kinds = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}
        return kinds[self.mode](self.size, self.strides, name=name)(x)


@dataclass(frozen=True)
class GlobalAverage(Layer):
    """The average of each channel over the whole map."""

    kind = "global_average"
    rank = 3

    def _output_shape(self, shape: Shape) -> Shape:
        return shape[2:]

    def averages_all(self, shape: Shape) -> bool:
        """Return True, of any map."""
        return True

    def build(self, x: Any, name: str) -> Any:
        """Put the layer on a symbolic tensor (B, H, W, C)."""
        return keras.layers.GlobalAveragePooling2D(name=name)(x)


@dataclass(frozen=True)
class Flatten(Layer):
    """A map as one vector; channel by channel with `channels_first`, as Torch7 orders it."""

    kind = "flatten"
    rank = 3

    channels_first: bool = True

    def __post_init__(self):
        check_flag("channels_first", self.channels_first)

    def _output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def build(self, x: Any, name: str) -> Any:
        """Put the layer on a symbolic tensor (B, H, W, C)."""
        if self.channels_first and x.shape[1:3] != (1, 1):
            x = keras.layers.Permute((3, 1, 2), name=f"{name}_order")(x)
        return keras.layers.Flatten(name=name)(x)


@dataclass(frozen=True)
class Linear(Layer):
    """A linear layer."""

    kind = "linear"
    rank = 1

    units: int
    bias: bool = True

    def __post_init__(self):
        check_integer("units", self.units, 1)
        check_flag("bias", self.bias)

    def _output_shape(self, shape: Shape) -> Shape:
        return (self.units,)

    def build(self, x: Any, name: str) -> Any:
        """Put the layer on a symbolic tensor (B, C)."""
        return keras.layers.Dense(self.units, use_bias=self.bias, name=name)(x)


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout that leaves values alone at prediction."""

    kind = "dropout"

    rate: float

    def __post_init__(self):
        if check_number("rate", self.rate, minimum=0) >= 1:
            raise ConfigError(f"`rate` must be in [0, 1). Received: rate={self.rate}")

    def build(self, x: Any, name: str) -> Any:
        """Put the layer on a symbolic tensor."""
        return keras.layers.Dropout(self.rate, name=name)(x)


@dataclass(frozen=True)
class Scale(Layer):
    """Multiplication by one number."""

    kind = "scale"

    factor: float

    def __post_init__(self):
        check_number("factor", self.factor)

    def build(self, x: Any, name: str) -> Any:
        """Put the layer on a symbolic tensor."""
        return keras.layers.Rescaling(self.factor, name=name)(x)


KINDS: dict[str, type[Layer]] = {layer.kind: layer for layer in Layer.__subclasses__()}


def is_layer_list(value: Any) -> bool:
    """Return whether `value` is a list of layers or of dictionaries, and not empty."""
    if not isinstance(value, (list, tuple)) or not value:
        return False
    return all(isinstance(item, (Mapping, Layer)) for item in value)


def layers_from_config(configs: Iterable[Mapping[str, Any] | Layer]) -> tuple[Layer, ...]:
    """Return the layers that configs describe.

    Raises:
        ConfigError: an unknown kind, a number out of range, or more layers than `MAX_LAYERS`.
    """
    configs = list(configs)
    if len(configs) > MAX_LAYERS:
        raise ConfigError(f"A list has at most {MAX_LAYERS} layers. Received: {len(configs)}")
    return tuple(c if isinstance(c, Layer) else _from_config(c) for c in configs)


def _from_config(config: Mapping[str, Any]) -> Layer:
    if not isinstance(config, Mapping):
        raise ConfigError(f"A layer must be a dictionary with a `kind`. Received: {config!r}")
    arguments = dict(config)
    layer = KINDS[check_choice("kind", arguments.pop("kind", None), KINDS)]
    known = {field.name for field in fields(layer)}
    # JSON has no tuples.
    arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in arguments.items()}
    try:
        return layer(**arguments)
    except TypeError as error:
        raise ConfigError(
            f"A layer {layer.kind} has the numbers {', '.join(sorted(known))}. Received: {config!r}"
        ) from error


def output_shape(layers: Sequence[Layer], shape: Shape) -> Shape:
    """Return the shape of the output of `layers` for an input of `shape`, without the batch.

    Raises:
        ConfigError: a layer does not take what comes from the one before.
    """
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


def layer_list_features(images: Any, layers: Sequence[Layer]) -> tuple[Any, Any]:
    """Return the feature vector of a network that is a chain of layers, and what it averages.

    Args:
        images: symbolic tensor (B, S, S, 3), normalised images.
        layers: from the images to a vector.

    Returns:
        Symbolic tensor (B, C), and the map (B, h, w, C) whose average over all places it is, or
        None where the layers do not end in such an average.

    Raises:
        ConfigError: the layers do not fit each other, or do not end in a vector.
    """
    shape = output_shape(layers, tuple(images.shape[1:]))
    if len(shape) != 1:
        raise ConfigError(f"The layers must end in a vector (B, C). Received: shape={shape}")
    x, averaged = images, None
    for number, layer in enumerate(layers, 1):
        if layer.averages_all(tuple(x.shape[1:])):
            averaged = x
        elif not isinstance(layer, (Dropout, Flatten)):  # those keep its numbers and their order
            averaged = None
        x = layer.build(x, f"layer{number}_{layer.kind}")
    return x, averaged


def _check_pairs(layer: Layer, **minima: int) -> None:
    for name, minimum in minima.items():
        pair = getattr(layer, name)
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise ConfigError(f"`{name}` must be two whole numbers. Received: {name}={pair!r}")
        for value in pair:
            check_integer(name, value, minimum)
