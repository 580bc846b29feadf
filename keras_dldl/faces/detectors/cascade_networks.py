"""The detector's three networks for LiteRT, from the weights in the `mtcnn` package.

The package's own networks import TensorFlow. Theirs are small chains of four kinds of layers, so
they are written down here as such, with the weights read from the package's wheel, and kept in the
user's cache. What is flattened there is a convolution over all that is left here, and the heads of
a network are one layer: the same sums in another order.
"""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from keras_dldl._utils.cache import cached, checksum
from keras_dldl.errors import ConfigError
from keras_dldl.faces.flatbuffer import Convolution, Layer, Pooling, Slope, network_bytes
from keras_dldl.interpreters import LiteRTInterpreter

# A new one whenever the networks are written otherwise.
VERSION = "1"
Weights = Iterator[np.ndarray]


class CascadeNetworks:
    """P-Net, R-Net and O-Net (Zhang et al. 2016), read at the first use of each.

    Each maps (B, H, W, 3) float32, pixels as `(pixel - 127.5) / 128`, to (B, h, w, C) float32:
    offsets of the box's corners (4), for `outputs` the offsets of five x and five y (10), then the
    logits of "no face" and "face". H and W are 12 and more for P-Net, 24 for R-Net, 48 for O-Net.

    Args:
        threads: of each network.
    """

    def __init__(self, threads: int = 1):
        self.proposal = _network("pnet", _proposal_layers, (None, None), threads)
        self.refinement = _network("rnet", _refinement_layers, (24, 24), threads)
        self.output = output_network(threads)


def output_network(threads: int = 1) -> Callable[[np.ndarray], np.ndarray]:
    """Return O-Net alone; see `CascadeNetworks`."""
    return _network("onet", _output_layers, (48, 48), threads)


def _network(
    name: str,
    layers: Callable[[Weights], list[Layer]],
    size: tuple[int | None, int | None],
    threads: int,
) -> Callable[[np.ndarray], np.ndarray]:
    path = weights_folder() / f"{name}.lz4"
    packed = path.read_bytes()

    def make() -> bytes:
        import joblib

        return network_bytes(layers(iter(joblib.load(path))), size)

    network = LiteRTInterpreter(cached(name, checksum(VERSION, packed), make), threads)
    return lambda images: next(iter(network(images).values()))


def weights_folder() -> Path:
    """Return the folder of the package's weights.

    Raises:
        ConfigError: the package is not installed.
    """
    # Found, not imported: the package imports TensorFlow.
    spec = importlib.util.find_spec("mtcnn")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            "MTCNN needs the package `mtcnn`: pip install mtcnn. Received: it is not installed"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "assets" / "weights"


def _proposal_layers(weights: Weights) -> list[Layer]:
    return [
        *_convolution(weights),
        Pooling(2, 2, padded=True),
        *_convolution(weights),
        *_convolution(weights),
        _heads(weights, 2),
    ]


def _refinement_layers(weights: Weights) -> list[Layer]:
    return [
        *_convolution(weights),
        Pooling(3, 2, padded=True),
        *_convolution(weights),
        Pooling(3, 2),
        *_convolution(weights),
        *_dense(weights, side=3),
        _heads(weights, 2),
    ]


def _output_layers(weights: Weights) -> list[Layer]:
    return [
        *_convolution(weights),
        Pooling(3, 2, padded=True),
        *_convolution(weights),
        Pooling(3, 2),
        *_convolution(weights),
        Pooling(2, 2, padded=True),
        *_convolution(weights),
        *_dense(weights, side=3),
        _heads(weights, 3),
    ]


def _convolution(weights: Weights) -> list[Layer]:
    return [Convolution(next(weights), next(weights)), Slope(next(weights).ravel())]


def _dense(weights: Weights, side: int) -> list[Layer]:
    """Return a dense layer over (side, side, C), which the package flattens column by column."""
    kernel = next(weights)
    columns = kernel.reshape(side, side, -1, kernel.shape[1])
    return [Convolution(columns.transpose(1, 0, 2, 3), next(weights)), Slope(next(weights))]


def _heads(weights: Weights, count: int) -> Layer:
    pairs = [(next(weights), next(weights)) for _ in range(count)]
    kernels = [kernel.reshape(1, 1, *kernel.shape[-2:]) for kernel, _ in pairs]
    return Convolution(np.concatenate(kernels, axis=-1), np.concatenate([b for _, b in pairs]))
