"""Quantiles of standardised residuals, label by label: what calibrated intervals are made of."""

from statistics import NormalDist

import numpy as np

from keras_dldl.labels import LabelGrid

# The central shares that a table holds the quantiles of; other levels lie between or beyond them.
# Further out a quantile would be that of the one or two worst faces.
LEVELS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
WINDOW_FACES = 100
# Faces with labels nearer than this share of the grid's range count as the same: 3 years of age.
NEAR = 0.03
MOST_KNOTS = 51
SAME = 1e-9  # of a window's width: two labels so near are one, but for rounding
DECIMALS = 4


def knots_of(grid: LabelGrid) -> np.ndarray:
    """Return the labels that a table has rows for: all of a small grid, else 51 evenly spread."""
    return np.linspace(grid.start, grid.stop, min(grid.size, MOST_KNOTS))


def quantile_tables(
    z: np.ndarray, label: np.ndarray, grid: LabelGrid
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper quantiles of `z` at each knot and level, both (M, levels).

    At each knot they are those of the faces whose labels are near: a window that widens until it
    holds `WINDOW_FACES`. Where labels are rare it is wide, and residuals often grow across it, so
    they are moved along a straight line to the knot first. A knot whose window lies on one side of
    it, as between coarse labels, has quantiles on the straight line between those of the labels
    below and above: a line through the window alone would be carried beyond what it has seen.

    Args:
        z: (N,) standardised residuals, N at least 2.
        label: (N,) labels, not all the same.
        grid: the label grid.
    """
    width, seen, rows = NEAR * (grid.stop - grid.start), np.unique(label), []
    for knot in knots_of(grid):
        at = np.clip(knot, seen[0], seen[-1])  # beyond the labels seen, as at the last one
        near = label[window(label, at, width)]
        if near.min() <= at + SAME * width and near.max() >= at - SAME * width:
            rows.append(_at_label(z, label, at, width))
            continue
        right = int(np.searchsorted(seen, at))
        share = (at - seen[right - 1]) / (seen[right] - seen[right - 1])
        below, above = (_at_label(z, label, seen[i], width) for i in (right - 1, right))
        rows.append((1 - share) * below + share * above)
    lower, upper = np.moveaxis(np.array(rows), 1, 0)
    unit = 10.0**DECIMALS  # rounded outwards, so that no face is lost by it
    return np.floor(lower * unit) / unit, np.ceil(upper * unit) / unit


def width_tables(z: np.ndarray, grid: LabelGrid) -> tuple[np.ndarray, np.ndarray]:
    """Return quantiles for few faces: one width for all labels and both sides, (M, levels) each.

    At each level the width is the conformal quantile of `|z|`, the ceil((n + 1) level)-th least; of
    fewer than 19 the greatest stands for the 95 % quantile.
    """
    ordered = np.concatenate([[0.0], np.sort(np.abs(z))])
    rank = np.ceil((len(z) + 1) * np.array(LEVELS) - 1e-9).astype(int)
    unit = 10.0**DECIMALS
    upper = np.ceil(ordered[np.minimum(rank, len(z))] * unit) / unit
    upper = np.tile(upper, (len(knots_of(grid)), 1))
    return -upper, upper


def at_level(table: np.ndarray, level: float) -> np.ndarray:
    """Return the (M,) quantiles of any level in (0, 1), of a table of `quantile_tables`.

    Between the levels of the table, and beyond the last, they follow a normal distribution's.
    """
    places = np.array([_normal(known) for known in LEVELS])
    place = _normal(level)
    if place > places[-1]:
        first, last = table[:, 0], table[:, -1]
        return first + (last - first) * (place / places[-1])
    right = max(1, int(np.searchsorted(places, place)))
    share = (place - places[right - 1]) / (places[right] - places[right - 1])
    return table[:, right - 1] * (1 - share) + table[:, right] * share


def _normal(level: float) -> float:
    """Return how many standard deviations the central `level` of a normal distribution reaches."""
    tail = max((1 - level) / 2, np.finfo(float).tiny)  # not from 1 - tail, which rounds to 1
    return -NormalDist().inv_cdf(tail)


def _at_label(z: np.ndarray, label: np.ndarray, at: float, width: float) -> np.ndarray:
    """Return the lower and upper quantiles at one label, (2, levels), of a window that spans it."""
    near = window(label, at, width)
    offset = label[near] - at
    # What rounding leaves of equal labels would count as a distance to carry the line over.
    offset[np.abs(offset) <= SAME * width] = 0.0
    return np.array(conformal_quantiles(moved(z[near], offset)))


def window(label: np.ndarray, at: float, width: float) -> np.ndarray:
    """Return which labels are near `at`: within `width`, or as far as it takes."""
    distance = np.abs(label - at)
    nearest = np.partition(distance, min(WINDOW_FACES, len(label)) - 1)
    reach = max(width, nearest[min(WINDOW_FACES, len(label)) - 1])
    return distance <= reach + SAME * width  # ties too: a label is in the window or not


def moved(z: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Return the residuals as they would be at offset 0, along their least-squares line.

    The line fits the faces it is drawn through better than a new one; by their leverages (Cook and
    Weisberg 1982) the distances from it get the spread of a new face's. Of offsets on both sides of
    0, or at it, that spread is at most twice a face's own.
    """
    middle = offset.mean()
    x, around = offset - middle, z - z.mean()
    spread = max(x @ x, np.finfo(float).tiny)
    slope = (x @ around) / spread
    leverage = np.minimum(1 / len(z) + x**2 / spread, 0.99)
    new = 1 / len(z) + middle**2 / spread
    return z.mean() - slope * middle + (around - slope * x) * np.sqrt((1 + new) / (1 - leverage))


def conformal_quantiles(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the conformal quantiles of both tails at each level: of n values as of n + 1."""
    ordered, n = np.sort(z), len(z)
    tails = (1 - np.array(LEVELS)) / 2
    rank = np.maximum(np.floor((n + 1) * tails + 1e-9).astype(int), 1)
    return ordered[rank - 1], ordered[n - rank]
