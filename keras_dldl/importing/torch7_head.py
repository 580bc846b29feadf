"""The end of a Torch7 network: what was learned, over which labels, and the last linear layer."""

import math
from dataclasses import dataclass, field

import numpy as np

from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.importing.torch7_body import Body
from keras_dldl.importing.torch7_modules import Module
from keras_dldl.labels import GRIDS, LabelGrid

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


def head_weights(head: Head, body: Body) -> list[np.ndarray]:
    """Return kernel (C, R) and bias (R,) of the head's linear layer, checked.

    Raises:
        ModelFileError: they are not of the size of the features, C.
    """
    kernel, bias = head.linear.linear(math.prod(body.shape))
    return [head.linear.single(kernel * body.factor), head.linear.single(bias)]


def grid_of(head: Head, outputs: int, given: LabelGrid | None) -> LabelGrid:
    """Return the label grid of a head: the file's own, the given one, or the one of that size.

    Args:
        head: a head with a method.
        outputs: number of outputs of its linear layer.
        given: the grid that the caller names, or None.

    Raises:
        ModelFileError: the labels in the file are not evenly spaced, or not as many as the outputs.
        ConfigError: the grid must be given, or the given one is not the file's.
    """
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
