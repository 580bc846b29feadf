"""`import_torch7`: the reference program's networks as models of this package."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.files import atomic_path
from keras_dldl.importing.t7_file import read_t7
from keras_dldl.importing.torch7_chain import CLASSES, Link, chain_of
from keras_dldl.importing.torch7_head import Head, grid_of, head_weights, split_head
from keras_dldl.importing.torch7_layers import Network, read_layers
from keras_dldl.labels import LabelGrid
from keras_dldl.methods import get_method
from keras_dldl.models import FaceModel
from keras_dldl.models.backbones import STAGE_CONVOLUTIONS, THIN_WIDTHS, TINY_WIDTHS
from keras_dldl.models.face_model import MIN_INPUT_SIZE
from keras_dldl.models.layer_list import (
    BatchNormalization,
    Convolution,
    Dropout,
    GlobalAverage,
    Layer,
    Pooling,
    ReLU,
)

INPUT_SIZE = 224  # of the reference program
_SIZES_TRIED = range(32, 513, 32)


@dataclass(frozen=True)
class Imported:
    """What was read.

    Attributes:
        model: the model.
        has_head: whether its head is the file's. Where not, the head is untrained: the model is a
            backbone to start from, `train --init`.
    """

    model: FaceModel
    has_head: bool


def import_torch7(
    path: str | os.PathLike,
    out: str | os.PathLike | None = None,
    *,
    grid: LabelGrid | None = None,
    method: str | None = None,
    input_size: int = INPUT_SIZE,
    margin: float | None = None,
    backbone_only: bool = False,
) -> Imported:
    """Read a network of the reference program (Gao et al. 2018, the authors' Torch7 code).

    Its channel mean and standard deviation are constants of that program and not in the file; they
    are those of `layers.normalization`, which every model begins with. Images are RGB there, too.
    A network of the shape of TinyAgeNet or ThinAgeNet becomes that backbone, any other chain of
    layers a list of them (`models.layer_list`). Nothing in the file is run.

    Args:
        path: a file that `torch.save` wrote in its binary form: an `nn.Sequential`.
        out: the `.keras` file to write; None writes none.
        grid: the label grid, where the file has none and the number of outputs does not tell.
        method: the method it was trained by, where its end does not tell: `dex` and `dldl` look
            the same.
        input_size: side of the images in pixels; the reference program's are 224.
        margin: of `faces.Alignment`: how wide faces are cut. Files do not tell.
        backbone_only: leave out the head.

    Returns:
        The model, and whether its head is the file's.

    Raises:
        ModelFileError: the file is malformed, or holds something else than such a network.
        ConfigError: `grid`, `method` or `input_size` does not fit the file.
        OSError: a file cannot be read or written.
    """
    if out is not None and Path(out).suffix != ".keras":
        raise ConfigError(f"`out` must end in .keras. Received: out={os.fspath(out)!r}")
    body, head = split_head(chain_of(read_t7(path, CLASSES)))
    most = os.path.getsize(path) // 2  # half precision
    network = _read_body(body, input_size, most)
    # The authors' faces were found by MTCNN.
    alignment = Alignment(Alignment.margin if margin is None else margin, detector="mtcnn")
    has_head = head.method is not None and not backbone_only
    common = {**_backbone(network), "input_size": input_size, "alignment": alignment}
    common["card"] = {"imported": {"from": "torch7", "file": Path(path).name, "head": has_head}}
    if has_head:
        model = _with_head(head, network, grid, method, common)
    else:
        model = FaceModel(grid=grid or LabelGrid.age(), method=method or "dldl-v2", **common)
        _start_head(model)
    _assign(model, network.weights)
    if out is not None:
        with atomic_path(out) as temporary:
            model.save(temporary)
    return Imported(model, has_head)


def _read_body(body: Sequence[Link], input_size: int, most: int) -> Network:
    if input_size < MIN_INPUT_SIZE:
        raise ConfigError(
            f"`input_size` must be {MIN_INPUT_SIZE} or more. Received: input_size={input_size}"
        )
    try:
        return _ending_in_a_vector(read_layers(body, input_size, most))
    except ModelFileError as error:
        fitting = [str(size) for size in _SIZES_TRIED if _fits(body, size, most)]
        if not fitting:
            raise
        raise ConfigError(
            f"`input_size` must be one that the network takes, such as {' or '.join(fitting[:3])}. "
            f"Received: input_size={input_size}. {error}"
        ) from error


def _fits(body: Sequence[Link], input_size: int, most: int) -> bool:
    try:
        _ending_in_a_vector(read_layers(body, input_size, most))
    except ModelFileError:
        return False
    return True


def _ending_in_a_vector(network: Network) -> Network:
    if len(network.shape) != 1:
        raise ModelFileError(
            "The layers before the head must end in a vector, by way of an nn.View. "
            f"Received: shape={network.shape}"
        )
    return network


def _with_head(
    head: Head, network: Network, grid: LabelGrid | None, method: str | None, common: dict[str, Any]
) -> FaceModel:
    kernel, bias = head_weights(head, network.shape[0])
    options = head.options if method in (None, head.method) else {}
    grid = grid_of(head, len(bias), grid)
    model = FaceModel(grid=grid, method=get_method(method or head.method, **options), **common)
    logits = [layer for layer in model.layers if layer.name == "logits"]
    if not logits or logits[0].kernel.shape != kernel.shape:
        raise ConfigError(
            f"`method` must have a head of {len(bias)} outputs, as the file's, which ends like "
            f"{head.method}. Received: method={method!r}"
        )
    logits[0].set_weights([kernel, bias])
    return model


def _backbone(network: Network) -> dict[str, Any]:
    """Return the arguments of a FaceModel that make the backbone, by its name if it has one."""
    layers, dropout = list(network.layers), 0.0
    if layers and isinstance(layers[-1], Dropout):
        dropout = layers.pop().rate
        network.weights.pop()
    for name, widths in (("tiny-age-net", TINY_WIDTHS), ("thin-age-net", THIN_WIDTHS)):
        if layers == age_net_layers(widths):
            return {"backbone": name, "dropout": dropout, "name": name.replace("-", "_")}
    return {"backbone": layers, "dropout": dropout, "name": "torch7_network"}


def age_net_layers(widths: tuple[int, ...]) -> list[Layer]:
    """Return the layers of `models.backbones.age_net_features` as a list."""
    layers: list[Layer] = []
    for width, count in zip(widths, STAGE_CONVOLUTIONS, strict=True):
        convolution = Convolution(width, (3, 3), padding=(1, 1))
        layers += [convolution, BatchNormalization(1e-5), ReLU()] * count
        layers.append(Pooling("max", (2, 2), (2, 2)))
    return [*layers, GlobalAverage()]


def _assign(model: FaceModel, weights: Sequence[list[np.ndarray]]) -> None:
    """Give the backbone's layers their weights, in order."""
    given = [arrays for arrays in weights if arrays]
    # The head's are behind them.
    layers = [layer for layer in model.layers if layer.weights][: len(given)]
    for layer, arrays in zip(layers, given, strict=True):
        layer.set_weights(arrays)


def _start_head(model: FaceModel) -> None:
    """Give the linear layer of an untrained head a start that is the same in every run."""
    for layer in model.layers:
        if layer.name == "logits":
            start = keras.initializers.GlorotUniform(seed=0)
            layer.kernel.assign(start(layer.kernel.shape))
