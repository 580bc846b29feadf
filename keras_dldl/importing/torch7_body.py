"""From the modules before the head of a Torch7 network to a backbone and its weights.

Torch7's images are (C, H, W), its kernels (out, in, H, W), its linear weights (out, in); here they
are (H, W, C), (H, W, in, out) and (in, out).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

import numpy as np

from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.importing.torch7_modules import Module
from keras_dldl.models.backbones import age_net, vgg16

WIDTHS = {
    "tiny-age-net": age_net.TINY_WIDTHS,
    "thin-age-net": age_net.THIN_WIDTHS,
    "vgg16": vgg16.WIDTHS,
}
HALVINGS = 2**5  # of the sides, by the poolings


@dataclass
class Body:
    """A backbone, and what the file says of it.

    Attributes:
        backbone: its name.
        input_size: side of the images.
        shape: of what comes out of the modules read so far: (side, side, channels), or (features,).
        dropout: rate after the features.
        factor: by which old modules multiply at prediction; the next linear layer takes it in.
        weights: of each layer that has some, in Keras's order.
    """

    backbone: str
    input_size: int
    shape: tuple[int, ...]
    dropout: float = 0.0
    factor: float = 1.0
    weights: list[list[np.ndarray]] = field(default_factory=list)

    def refuse_size(self, fitting: str) -> None:
        """Raise the error that images of this size do not go through the network."""
        raise ConfigError(
            f"`input_size` must be one that the network takes, such as {fitting}. "
            f"Received: input_size={self.input_size}"
        )


def read_body(chain: list[Module], input_size: int) -> Body:
    """Return the backbone that a chain of modules before the head is, with its weights.

    Raises:
        ModelFileError: it is none of `WIDTHS`, or a module is damaged.
        ConfigError: the network is of images of another size.
    """
    body = Body(_name_of(chain), input_size, (input_size, input_size, 3))
    for module, wanted in zip_longest(chain, _modules_of(body.backbone)):
        if module is None:
            raise ModelFileError(
                f"The layers before the head must be those of {body.backbone}, with "
                f"{' or '.join(wanted.names)} after {chain[-1].place}. Received: no more layers"
            )
        if wanted is None and module.name == "Dropout" and module is chain[-1] and not body.dropout:
            body.dropout = _rate(module, body)
        elif wanted is None or module.name not in wanted.names:
            expected = f"nn.{' or nn.'.join(wanted.names)}" if wanted else "nothing but nn.Dropout"
            module.fail(f"before the head {body.backbone} has {expected} here", str(module))
        else:
            wanted.read(module, body, wanted.size)
    return body


@dataclass(frozen=True)
class _Wanted:
    """What a backbone has in one place: a kind of module, by all its names, and its size."""

    names: tuple[str, ...]
    read: Callable[[Module, Body, int], None]
    size: int = 0


def _name_of(chain: list[Module]) -> str:
    if not chain or not chain[0].name.startswith("SpatialConvolution"):
        raise ModelFileError(
            f"A Torch7 network must begin as {', '.join(WIDTHS)} do, with a convolution. "
            f"Received: {chain[0] if chain else 'a network without layers before the head'}"
        )
    width = chain[0].integer("nOutputPlane", minimum=1)
    for name, widths in WIDTHS.items():
        if widths[0] == width:
            return name
    allowed = ", ".join(f"{widths[0]} ({name})" for name, widths in WIDTHS.items())
    chain[0].fail(f"`nOutputPlane` must be that of a backbone, {allowed}", width)


def _modules_of(backbone: str) -> Iterator[_Wanted]:
    has_norms = backbone != "vgg16"
    for width, count in zip(WIDTHS[backbone], age_net.STAGE_CONVOLUTIONS, strict=True):
        for _ in range(count):
            yield _Wanted(("SpatialConvolution", "SpatialConvolutionMM"), _convolution, width)
            if has_norms:
                yield _Wanted(("SpatialBatchNormalization",), _normalization, width)
            yield _Wanted(("ReLU",), _relu)
        yield _Wanted(("SpatialMaxPooling",), _max_pooling)
    if has_norms:
        yield _Wanted(("SpatialAveragePooling",), _average_pooling)
    yield _Wanted(("View", "Reshape"), _view)
    for _ in range(0 if has_norms else 2):
        yield _Wanted(("Linear",), _linear, vgg16.UNITS)
        yield _Wanted(("ReLU",), _relu)
        yield _Wanted(("Dropout",), _inner_dropout)


def _convolution(module: Module, body: Body, width: int) -> None:
    channels = body.shape[2]
    module.must_be(channels, "nInputPlane", module.integer("nInputPlane", minimum=1))
    module.must_be(width, "nOutputPlane", module.integer("nOutputPlane", minimum=1))
    module.must_be(3, "kH", module.side("k", minimum=1))
    module.must_be(1, "dH", module.side("d", 1, minimum=1))
    # The oldest files have one `padding` for both sides.
    module.must_be(1, "padH", module.side("pad", module.integer("padding", 0)))
    for name in ("groups", "dilationH"):
        module.must_be(1, name, module.integer(name, 1))
    kernel = module.tensor("weight", (width, channels, 3, 3), (width, channels * 9))
    bias = module.tensor("bias", (width,)) if module.has("bias") else np.zeros(width)
    body.weights.append([module.single(kernel.transpose(2, 3, 1, 0)), module.single(bias)])
    body.shape = (*body.shape[:2], width)


def _normalization(module: Module, body: Body, width: int) -> None:
    size, epsilon = (width,), module.number("eps", 1e-5)
    gamma = module.tensor("weight", size) if module.has("weight") else np.ones(size)
    beta = module.tensor("bias", size) if module.has("bias") else np.zeros(size)
    # The bias of the convolution just before moves into the mean, which is the same network.
    mean = module.tensor("running_mean", size) - body.weights[-1].pop()
    if module.has("running_var"):
        variance = module.tensor("running_var", size)
        if (variance < 0).any():
            module.fail("`running_var` must not be negative", variance.min())
    else:
        # Version 1 of the class keeps 1 / sqrt(variance + eps) under this name.
        inverse = module.tensor("running_std", size)
        if (inverse <= 0).any():
            module.fail("`running_std` must be above 0", inverse.min())
        # Where the variance was 0, rounding can leave it a little under 0.
        variance = np.maximum(np.maximum(inverse, 1e-150) ** -2 - epsilon, 0.0)
    variance = variance + (epsilon - age_net.EPSILON)  # of the backbone's layers
    if (variance < 0).any():
        module.fail(f"`eps` must be {age_net.EPSILON:g} or more", epsilon)
    body.weights.append([module.single(array) for array in (gamma, beta, mean, variance)])


def _relu(module: Module, body: Body, _: int) -> None:
    for name in ("threshold", "val"):
        if module.number(name, 0.0) != 0.0:
            module.fail(f"`{name}` must be 0", module.number(name))


def _max_pooling(module: Module, body: Body, _: int) -> None:
    module.must_be(2, "kH", module.side("k", minimum=1))
    module.must_be(2, "dH", module.side("d", minimum=1))
    module.must_be(0, "padH", module.side("pad", 0))
    side, _, channels = body.shape
    if module.flag("ceil_mode", False) and side % 2:
        body.refuse_size(f"a multiple of {HALVINGS} (`ceil_mode`)")
    body.shape = (side // 2, side // 2, channels)


def _average_pooling(module: Module, body: Body, _: int) -> None:
    size = module.side("k", minimum=1)
    module.must_be(0, "padH", module.side("pad", 0))
    if size != body.shape[0]:
        body.refuse_size(str(size * HALVINGS))
    # The oldest files have no such field, and mean the sum.
    if module.library == "nn" and not module.flag("divide", False):
        body.factor *= size**2
    body.shape = (1, 1, body.shape[2])


def _view(module: Module, body: Body, _: int) -> None:
    count, channels = math.prod(body.shape), body.shape[2]
    size = module.values.get("size")
    sizes = size.tolist() if isinstance(size, np.ndarray) and size.dtype.kind == "i" else None
    # (C * H * W), with or without a -1 for the number of images.
    if sizes is None or [n for n in sizes if n != -1] not in ([count], []):
        side = math.isqrt(abs(sizes[-1]) // channels) if sizes else 0
        if side and body.backbone == "vgg16" and side**2 * channels == sizes[-1]:
            body.refuse_size(str(side * HALVINGS))
        module.fail(f"it must make a vector of {count}", sizes)


def _linear(module: Module, body: Body, units: int) -> None:
    kernel, bias = module.linear(math.prod(body.shape))
    if len(bias) != units:
        module.fail(f"it must have {units} outputs", len(bias))
    if len(body.shape) == 3:  # the first: Torch7 goes through a map channel by channel
        side, _, channels = body.shape
        kernel = kernel.reshape(channels, side, side, units).transpose(1, 2, 0, 3)
        kernel = kernel.reshape(-1, units)
    body.weights.append([module.single(kernel * body.factor), module.single(bias)])
    body.shape, body.factor = (units,), 1.0


def _inner_dropout(module: Module, body: Body, _: int) -> None:
    rate = _rate(module, body)
    if rate != vgg16.DROPOUT:
        module.fail(f"`p` must be {vgg16.DROPOUT}", rate)


def _rate(module: Module, body: Body) -> float:
    rate = module.number("p", 0.5)
    if not 0 <= rate < 1:
        module.fail("`p` must be in [0, 1)", rate)
    # Version 1 multiplies at prediction, where version 2 divides in training.
    if not module.flag("v2", False):
        body.factor *= 1.0 - rate
    return rate
