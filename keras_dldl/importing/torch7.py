"""`import_torch7`: the reference program's networks as models of this package."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from keras_dldl._utils.arguments import check_integer
from keras_dldl._utils.files import atomic_path
from keras_dldl.errors import ConfigError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.importing.t7_file import read_t7
from keras_dldl.importing.torch7_body import Body, read_body
from keras_dldl.importing.torch7_head import Head, grid_of, head_weights, split_head
from keras_dldl.importing.torch7_modules import CLASSES, chain_of
from keras_dldl.labels import LabelGrid
from keras_dldl.methods import get_method
from keras_dldl.models import FaceModel
from keras_dldl.models.backbones import MIN_INPUT_SIZE

INPUT_SIZE = 224  # of the reference program


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
    kernel, bias = head_weights(head, body)
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


def _without_head(grid: LabelGrid, method: str, common: dict[str, Any]) -> FaceModel:
    model = FaceModel(grid=grid, method=method, **common)
    for layer in model.layers:
        if layer.name == "logits":
            # The same in every run.
            layer.kernel.assign(keras.initializers.GlorotUniform(seed=0)(layer.kernel.shape))
    return model
