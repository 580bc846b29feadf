"""Attention by age: which regions decide at which age (Gao et al. 2020, section 5.6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from keras_dldl._utils.arguments import check_number
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.explain.attention import AttentionMaps
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel

WIDE_GRID = 20  # from here on a group is a decade, below it one unit wide


class Group(NamedTuple):
    """Labels from `low` up to, but not with, `high`."""

    low: float
    high: float

    @property
    def name(self) -> str:
        """What to call it, as `evaluate` calls its decades.

        >>> Group(10.0, 20.0).name, Group(2.5, 3.0).name
        ('10-19', '2.5 ... 3')
        """
        if self.low == int(self.low) and self.high == int(self.high) and self.high - self.low > 1:
            return f"{self.low:.0f}-{self.high - 1:.0f}"
        return f"{self.low:g} ... {self.high:g}"


@dataclass(frozen=True)
class GroupAverages:
    """Mean faces and mean attention maps by group; G groups, those that have faces.

    Attributes:
        groups: in order.
        counts: faces in each, (G,).
        labels: the mean label of each, (G,).
        faces: the mean face of each, (G, S, S, 3) float32, 0 ... 255.
        attention: the mean of the attention maps of the faces and their mirror images, each in
            [0, 1]: (G, h, v) float32, see `AttentionMaps.attention_with_mirror`; None where the
            model has none and only the faces were asked for.
        empty: the groups that have no face.
        covered: the shares of the face's height and width that the maps stand for.
        places: rows and columns of the model's own map; None without maps.
    """

    groups: list[Group]
    counts: np.ndarray
    labels: np.ndarray
    faces: np.ndarray
    attention: np.ndarray | None
    empty: list[Group]
    covered: tuple[float, float] = (1.0, 1.0)
    places: tuple[int, int] | None = None


def label_groups(grid: LabelGrid, boundaries: Sequence[float] | None = None) -> list[Group]:
    """Return groups that hold every label of a grid.

    Args:
        grid: the label grid.
        boundaries: where a group ends and the next begins, rising, inside the grid. Default:
            decades; on a grid less than 20 units long, such as ratings, groups of one unit.

    Raises:
        ConfigError: boundaries that do not rise, or lie outside the grid.

    >>> [group.name for group in label_groups(LabelGrid(0, 100), [18, 60])]
    ['0-17', '18-59', '60-100']
    """
    if boundaries is None:
        width = 10 if grid.stop - grid.start >= WIDE_GRID else 1
        first, last = np.floor(grid.start / width), np.floor(grid.stop / width)
        edges = width * np.arange(first, last + 2)
    else:
        inner = _checked(grid, boundaries)
        # The last label belongs to the last group.
        past = grid.stop + 1 if grid.step >= 1 else np.nextafter(grid.stop, np.inf)
        edges = [grid.start, *inner, past]
    return [Group(float(a), float(b)) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def attention_by_group(
    model: "FaceModel",
    batches: Iterable[tuple[Any, Any]],
    boundaries: Sequence[float] | None = None,
) -> GroupAverages:
    """Average the attention maps of labelled faces by group of their labels.

    Args:
        model: a `FaceModel` that has attention maps.
        batches: pairs of (B, S, S, 3) faces, 0 ... 255, and (B,) labels; for few faces one pair,
            `[(images, labels)]`.
        boundaries: see `label_groups`.

    Raises:
        ConfigError: the model has no attention maps, or the boundaries are not valid.
        DataError: there are no faces, or a label lies outside the model's grid.

    >>> from keras_dldl import LabelGrid, build_model
    >>> model = build_model("nano-age-net", LabelGrid.age(), input_size=32)  # not trained
    >>> faces, ages = np.zeros((3, 32, 32, 3)), np.array([8, 25, 30])
    >>> attention_by_group(model, [(faces, ages)], boundaries=[20]).counts
    array([1, 2])
    """
    return group_averages(batches, label_groups(model.grid, boundaries), AttentionMaps(model))


def group_averages(
    batches: Iterable[tuple[Any, Any]], groups: Sequence[Group], maps: AttentionMaps | None
) -> GroupAverages:
    """Do as `attention_by_group`; without `maps` average the faces alone."""
    counts, labels = np.zeros(len(groups), int), np.zeros(len(groups))
    faces = attention = None
    for images, truth in batches:
        images, truth = np.asarray(images, np.float32), np.asarray(truth, np.float64)
        member = _membership(truth, groups)
        counts += member.sum(axis=1).astype(int)
        labels += member @ truth
        faces = _added(faces, member, images)
        if maps is not None:
            attention = _added(attention, member, maps.attention_with_mirror(images))
    if not counts.sum():
        raise DataError("Averages need at least one face. Received: none")
    kept = counts > 0
    return GroupAverages(
        groups=[group for group, has in zip(groups, kept, strict=True) if has],
        counts=counts[kept],
        labels=labels[kept] / counts[kept],
        faces=_mean(faces, counts),
        attention=None if attention is None else _mean(attention, counts),
        empty=[group for group, has in zip(groups, kept, strict=True) if not has],
        covered=(1.0, 1.0) if maps is None else (maps.covered[0], 1.0),
        places=None if maps is None else tuple(maps.model.feature_map.shape[1:3]),
    )


def _membership(labels: np.ndarray, groups: Sequence[Group]) -> np.ndarray:
    """Return whether each label is in each group, (G, B) float64."""
    lows, highs = np.array(groups).T
    member = (labels >= lows[:, None]) & (labels < highs[:, None])
    outside = labels[~member.any(axis=0)]
    if len(outside):
        raise DataError(
            f"Labels must lie on the model's grid, from {lows[0]:g} to below {highs[-1]:g}. "
            f"Received: {outside[0]:g}"
        )
    return member.astype(np.float64)


def _added(total: np.ndarray | None, member: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Add (B, ...) values to the sums by group, (G, ...)."""
    sums = np.tensordot(member, values.astype(np.float64), axes=1)
    return sums if total is None else total + sums


def _mean(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    kept = counts > 0
    shape = (-1,) + (1,) * (sums.ndim - 1)
    return (sums[kept] / counts[kept].reshape(shape)).astype(np.float32)


def _checked(grid: LabelGrid, boundaries: Sequence[float]) -> list[float]:
    numbers = [check_number("boundaries", one) for one in boundaries]
    rising = all(a < b for a, b in zip([grid.start, *numbers], [*numbers, grid.stop], strict=True))
    if not numbers or not rising:
        raise ConfigError(
            f"`boundaries` of groups must be rising numbers between {grid.start:g} and "
            f"{grid.stop:g}, such as 18,40,60. Received: {', '.join(f'{n:g}' for n in numbers)}"
        )
    return numbers
