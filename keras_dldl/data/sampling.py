"""How often each image comes in an epoch: by its label, its data set, a table of weights."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keras_dldl._utils.arguments import check_choice, first_few
from keras_dldl.data.annotations.reading import numbers_in
from keras_dldl.data.manifest import line_number, read_table
from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import pandas as pd

    from keras_dldl.data.prepared import PreparedData

SAMPLINGS = ("natural", "sqrt", "balanced", "effective")
DATA_SAMPLINGS = ("natural", "sqrt", "balanced")


@dataclass(frozen=True)
class Sampling:
    """Draws an epoch's images with unequal chances; an epoch keeps its number of images.

    Args:
        weights: (N,) the chance of each image, up to a common factor; 0 or more, not all 0.
    """

    weights: np.ndarray

    def counts(self, seed: int, epoch: int) -> np.ndarray:
        """Return how often each image comes in an epoch, (N,) whole numbers that sum to N.

        Each is its expected number rounded down or up: systematic sampling over the images in
        random order (Madow 1949), so that an epoch strays less from the chances than free draws.
        """
        count = len(self.weights)
        rng = np.random.default_rng([abs(seed), epoch, 1])
        order = rng.permutation(count)
        expected = self.weights[order] / self.weights.sum() * count
        edges = np.floor(np.cumsum(expected) + rng.random())
        # What rounding may take from the last edge.
        edges = np.minimum(edges, count)
        edges[-1] = count
        counts = np.empty(count, np.int64)
        counts[order] = np.diff(edges, prepend=0.0).astype(np.int64)
        return counts

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """Return the images of an epoch in random order, (N,) indices."""
        drawn = np.repeat(np.arange(len(self.weights)), self.counts(seed, epoch))
        return np.random.default_rng([abs(seed), epoch]).permutation(drawn)

    def different(self) -> float:
        """Return how many of the images come at least once in an epoch, on average."""
        expected = self.weights / self.weights.sum() * len(self.weights)
        return float(np.minimum(expected, 1.0).sum())


def epoch_order(count: int, seed: int, epoch: int, sampling: Sampling | None = None) -> np.ndarray:
    """Return the images of an epoch in order, (N,) indices: a function of seed and epoch.

    >>> epoch_order(4, seed=0, epoch=1).tolist()
    [3, 0, 2, 1]
    """
    if sampling is not None:
        return sampling.order(seed, epoch)
    return np.random.default_rng([abs(seed), epoch]).permutation(count)


def make_sampling(
    kind: str,
    labels: np.ndarray,
    grid: LabelGrid,
    beta: float = 0.999,
    weights: np.ndarray | None = None,
    origins: np.ndarray | None = None,
    by_origin: str = "natural",
) -> Sampling | None:
    """Return the sampling of this name, or None where each image comes once.

    With n images at the label of the grid nearest to an image's own, its chance is in proportion to
    1 / n ("balanced": every label that occurs comes equally often), 1 / sqrt(n) ("sqrt", half way),
    or (1 - beta) / (1 - beta^n) ("effective": Cui et al. 2019, by the effective number); with
    weights, n is the sum of theirs, and the chance is multiplied by the image's own.

    With `by_origin` other than "natural", labels are counted within each data set, and the chances
    of its n images add up to the same for each ("balanced"), or to sqrt(n) ("sqrt").

    Args:
        kind: one of `SAMPLINGS`.
        labels: (N,) labels of the training images.
        grid: the label grid.
        beta: of "effective", in [0, 1): 0 is natural, towards 1 balanced.
        weights: (N,) how much each image counts, see `read_image_weights`; None: all equally.
        origins: (N,) the data set of each image, for `by_origin`.
        by_origin: one of `DATA_SAMPLINGS`.

    >>> labels = np.array([20.0, 20.0, 20.0, 60.0])
    >>> make_sampling("balanced", labels, LabelGrid.age()).order(seed=0, epoch=0).tolist()
    [3, 0, 1, 3]
    >>> origins = np.array(["a", "a", "a", "b"])
    >>> make_sampling(
    ...     "natural", labels, LabelGrid.age(), origins=origins, by_origin="balanced"
    ... ).weights.round(3).tolist()
    [0.333, 0.333, 0.333, 1.0]
    """
    check_choice("sampling", kind, SAMPLINGS)
    check_choice("data_sampling", by_origin, DATA_SAMPLINGS)
    own = np.ones(len(labels)) if weights is None else np.asarray(weights, np.float64)
    if by_origin == "natural":
        chances = _chances(kind, labels, grid, beta, own)
        once = kind == "natural" and np.all(own == own[0])
        return None if once else Sampling(chances)
    chances = np.zeros(len(labels))
    for name in np.unique(origins):
        of = origins == name
        found = _chances(kind, labels[of], grid, beta, own[of])
        if found.any():
            share = 1.0 if by_origin == "balanced" else np.sqrt(own[of].sum())
            chances[of] = share * found / found.sum()
    return Sampling(chances)


def _chances(
    kind: str, labels: np.ndarray, grid: LabelGrid, beta: float, own: np.ndarray
) -> np.ndarray:
    """Return (N,) the chance of each image by how many share its label."""
    if kind == "natural":
        return own
    steps = np.rint((np.asarray(labels, np.float64) - grid.start) / grid.step)
    _, inverse = np.unique(steps, return_inverse=True)
    shared = np.bincount(inverse, own)[inverse]
    # A label all of whose images weigh nothing has no chance to share out.
    shared[own == 0] = 1.0
    if kind == "effective":
        return own * (1.0 - beta) / (1.0 - np.power(beta, shared))
    return own / (np.sqrt(shared) if kind == "sqrt" else shared)


def read_image_weights(path: str | os.PathLike, data: "PreparedData") -> np.ndarray:
    """Return the weight of each training image, 1 for those that the table does not name.

    Args:
        path: a table, see `data.manifest.read_table`, with the columns `path`, as manifests have
            it, and `weight`, 0 or more: how often an image comes in comparison with the others, 0:
            never. An optional column `folder`, the name of a prepared folder, says which image is
            meant where several folders use one path. Other columns are not read; images of other
            splits have no effect.
        data: the prepared data.

    Returns:
        (N,) float64, in the order of `data.rows("train")`.

    Raises:
        DataError: the file cannot be read, lacks a column, has a weight that is none or an image
            twice, names no image of the data, or leaves no training image.
    """
    table = read_table(path, ("path", "weight"))
    weights = numbers_in(table["weight"])
    bad = ~(weights >= 0)
    if bad.any():
        raise DataError(
            "Weights of images must be numbers, 0 or more. "
            f"Received: {path}: {_listing(table['weight'][bad])}"
        )
    columns = ["folder", "path"] if "folder" in table.columns else ["path"]
    again = table.duplicated(columns)
    if again.any():
        raise DataError(
            "An image may have one weight. "
            f"Received twice: {path}: {_listing(table['path'][again])}"
        )

    def keys_of(rows: "pd.DataFrame") -> list[tuple[str, ...]]:
        return list(zip(*(rows[name] for name in columns), strict=True))

    given = dict(zip(keys_of(table), weights, strict=True))
    folders = [folder.name for folder in data.folders for _ in range(len(folder.rows("train")))]
    keys = keys_of(data.rows("train").assign(folder=folders))
    if given and given.keys().isdisjoint(keys):
        raise DataError(
            "Weights must be of images of the training split, by their paths in manifest.csv. "
            f"Received: {path}, whose {len(given)} images are not there, such as "
            f"{'/'.join(next(iter(given)))!r}"
        )
    found = np.array([given.get(key, 1.0) for key in keys])
    if not found.any():
        raise DataError(
            "Some training image must have a weight above 0. "
            f"Received: {path}, which leaves out all {len(found)}"
        )
    return found


def _listing(values: "pd.Series") -> str:
    shown = [f"{value!r} in line {line_number(index)}" for index, value in values.items()]
    return first_few(shown, 10)
