"""`import_torch7`: the reference program's networks as models of this package."""

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dldl._utils.arguments import check_integer
from keras_dldl._utils.files import atomic_path
from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.importing.t7_file import read_t7
from keras_dldl.importing.torch7_body import Body, read_body
from keras_dldl.importing.torch7_modules import CLASSES, Module, chain_of
from keras_dldl.labels import GRIDS, LabelGrid
from keras_dldl.methods import get_method
from keras_dldl.models import FaceModel
from keras_dldl.models.backbones import MIN_INPUT_SIZE

INPUT_SIZE = 224  # of the reference program
# The last modules, and the method and options that such an end was trained by. The reference code
# averages the KL divergence over the labels.
_REFERENCE = {"kl_reduction": "mean"}
_ENDS = {
    ("Linear", "SoftMax", "ConcatTable"): ("dldl-v2", _REFERENCE),
    ("Linear", "SoftMax", "ExpOut"): ("er", {}),
    ("Linear", "SoftMax"): ("dldl", _REFERENCE),
    ("Linear", "Sigmoid"): ("ranking-bce", {}),
    ("Linear", "Tanh"): ("mr-l1", {}),
}
_IDENTITIES = ("Linear", "LogSoftMax")


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


@dataclass(frozen=True)
class Head:
    """The end of a network.

    Attributes:
        method: the name of the method; None where there is no head, or one over identities.
        options: of the method.
        linear: the linear layer; None where there is no head.
        labels: the labels that the file itself holds, (K,); or None.
    """

    method: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    linear: Module | None = None
    labels: np.ndarray | None = None


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

    It must be one of the authors' networks: TinyAgeNet, ThinAgeNet or VGG-16, and becomes that
    backbone; images are RGB there, too. Nothing in the file is run.

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
    check_integer("input_size", input_size, MIN_INPUT_SIZE)
    chain, head = split_head(chain_of(read_t7(path, CLASSES)))
    body = read_body(chain, input_size)
    # The authors' faces were found by MTCNN.
    alignment = Alignment(Alignment.margin if margin is None else margin, detector="mtcnn")
    has_head = head.method is not None and not backbone_only
    common = {
        "backbone": body.backbone,
        "name": body.backbone.replace("-", "_"),
        "dropout": body.dropout,
        "input_size": input_size,
        "alignment": alignment,
        "card": {"imported": {"from": "torch7", "file": Path(path).name, "head": has_head}},
    }
    if has_head:
        model = _with_head(head, body, grid, method, common)
    else:
        model = _without_head(grid or LabelGrid.age(), method or "dldl-v2", common)
    # The head's layers are behind the backbone's.
    for layer, arrays in zip([x for x in model.layers if x.weights], body.weights, strict=False):
        layer.set_weights(arrays)
    if out is not None:
        with atomic_path(out) as temporary:
            model.save(temporary)
    return Imported(model, has_head)


def _with_head(
    head: Head, body: Body, grid: LabelGrid | None, method: str | None, common: dict[str, Any]
) -> FaceModel:
    kernel, bias = head.linear.linear(math.prod(body.shape))
    kernel, bias = head.linear.single(kernel * body.factor), head.linear.single(bias)
    options = head.options if method in (None, head.method) else {}
    grid = _grid_of(head, len(bias), grid)
    model = FaceModel(grid=grid, method=get_method(method or head.method, **options), **common)
    logits = [layer for layer in model.layers if layer.name == "logits"]
    if not logits or logits[0].kernel.shape != kernel.shape:
        raise ConfigError(
            f"`method` must have a head of {len(bias)} outputs, as the file's, which ends like "
            f"{head.method}. Received: method={method!r}"
        )
    logits[0].set_weights([kernel, bias])
    return model


def _without_head(grid: LabelGrid, method: str, common: dict[str, Any]) -> FaceModel:
    model = FaceModel(grid=grid, method=method, **common)
    for layer in model.layers:
        if layer.name == "logits":
            # The same in every run.
            layer.kernel.assign(keras.initializers.GlorotUniform(seed=0)(layer.kernel.shape))
    return model


def split_head(chain: list[Module]) -> tuple[list[Module], Head]:
    """Return the modules before the head, and the head.

    Raises:
        ModelFileError: the end is not one that the reference code makes.
    """
    names = tuple(module.name for module in chain)
    for end, (method, options) in _ENDS.items():
        if names[-len(end) :] == end:
            labels = _labels(chain[-1]) if len(end) == 3 else None
            return chain[: -len(end)], Head(method, dict(options), chain[-len(end)], labels)
    if names[-2:] == _IDENTITIES:
        return chain[:-2], Head(linear=chain[-2])
    return chain, Head()


def _grid_of(head: Head, outputs: int, given: LabelGrid | None) -> LabelGrid:
    """Return the label grid of a head: the file's own, the given one, or the one of that size."""
    size = {"mr-l1": None, "ranking-bce": outputs + 1}.get(head.method, outputs)
    if head.labels is not None:
        return _as_given(head.labels, size, given)
    fitting = [make() for make in GRIDS.values() if make().size == size]
    if given is None and not fitting:
        raise ConfigError(
            "The label grid is not in this file. It must be given, as `grid`, unless there are "
            f"{' or '.join(str(make().size) for make in GRIDS.values())} labels. "
            f"Received: {outputs} outputs under {head.method}"
        )
    grid = given or fitting[0]
    if size not in (None, grid.size):
        raise ConfigError(
            f"`grid` must have {size} labels, as the file's head. Received: {grid.size} labels"
        )
    return grid


def _as_given(labels: np.ndarray, size: int, given: LabelGrid | None) -> LabelGrid:
    if len(labels) != size:
        raise ModelFileError(
            f"The labels of an nn.ExpOut must be as many as the outputs, {size}. "
            f"Received: {len(labels)}"
        )
    known = [given] if given else [make() for make in GRIDS.values()]
    for grid in known:
        if grid.size == size and np.allclose(labels, grid.labels64, atol=1e-3 * grid.step):
            return grid
    found = f"{labels[0]:g} to {labels[-1]:g} in {size} steps"
    raise ConfigError(
        "The labels in the file are of no known grid; `grid` must name theirs. "
        f"Received: labels {found}" + (f", grid={given}" if given else "")
    )


def _labels(end: Module) -> np.ndarray:
    if end.name == "ConcatTable":
        branches = end.modules()
        names = [str(branch) for branch in branches]
        if names != ["nn.Identity", "nn.ExpOut"]:
            end.fail("it must hold nn.Identity and nn.ExpOut", names)
        end = branches[1]
    vector = end.values.get("constant_vector")
    if not isinstance(vector, np.ndarray) or vector.ndim != 1 or len(vector) < 2:
        end.fail("`constant_vector` must hold the labels", vector)
    return end.tensor("constant_vector", vector.shape)
