"""How well a calibration holds, measured on faces that it was not fitted to."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_dldl._utils.arguments import check_integer
from keras_dldl.calibration.calibration import (
    MIN_FACES_BY_LABEL,
    Calibration,
    checked_faces,
    checked_labels,
)
from keras_dldl.calibration.quantiles import WINDOW_FACES
from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid, as_grid

FOLDS = 10
MIN_REST = 19  # beside a fold: the least of which the 95 % quantile is one of them


def cross_fit(
    value: ArrayLike,
    std: ArrayLike,
    label: ArrayLike,
    grid: LabelGrid,
    level: float,
    *,
    subject: ArrayLike | None = None,
    folds: int = FOLDS,
    seed: int = 0,
) -> np.ndarray:
    """Return each face's interval by a calibration that has not seen this face, (N, 2).

    The faces are dealt into folds, all of a subject into one; each fold's intervals come from a
    calibration of all others.

    Args:
        value: (N,) predicted values.
        std: (N,) their spreads.
        label: (N,) true labels.
        grid: the label grid.
        level: of the intervals.
        subject: (N,) who it is; None, "" or NaN: nobody else. None where no face has one.
        folds: how many.
        seed: of the dealing.

    Raises:
        DataError: what `Calibration.fit` or `folds_of` refuses.

    >>> rng = np.random.default_rng(0)
    >>> label = rng.uniform(20, 60, 300)
    >>> value = label + rng.normal(0, 5, 300)
    >>> ends = cross_fit(value, np.full(300, 5.0), label, LabelGrid.age(), level=0.9)
    >>> inside = (ends[:, 0] <= label) & (label <= ends[:, 1])
    >>> ends.shape, bool(0.85 < inside.mean() < 0.95)
    ((300, 2), True)
    """
    grid = as_grid(grid)
    value, std, label = checked_faces(value, std, label, grid)
    fold = folds_of(label, grid, subject=subject, folds=folds, seed=seed)
    ends = np.empty((len(label), 2))
    for held_out in np.unique(fold):
        inside = fold == held_out
        fitted = Calibration.fit_any(
            value[~inside],
            std[~inside],
            label[~inside],
            grid,
            by_label=len(label) >= MIN_FACES_BY_LABEL,
        )
        ends[inside] = fitted.intervals(value[inside], std[inside], level)
    return ends


def folds_of(
    label: ArrayLike,
    grid: LabelGrid,
    *,
    subject: ArrayLike | None = None,
    folds: int = FOLDS,
    seed: int = 0,
) -> np.ndarray:
    """Return the fold of each face, (N,); see `cross_fit`.

    Raises:
        DataError: labels off the grid or all the same; or so few subjects that a fold leaves under
            100 faces (19, where there are under 200 in all), or none with another label.
    """
    folds = check_integer("folds", folds, minimum=2)
    label = checked_labels(label, grid)
    fold = _dealt(_numbered(subject, len(label)), folds, seed)
    needed = WINDOW_FACES if len(label) >= MIN_FACES_BY_LABEL else MIN_REST
    for held_out in np.unique(fold):
        others = label[fold != held_out]
        if len(others) < needed or others.min() == others.max():
            raise DataError(
                f"Each fold must leave {needed} faces or more with different labels to fit. "
                f"Received: {len(others)} beside a fold of {len(label) - len(others)}; give more "
                "faces, more subjects or more folds"
            )
    return fold


def coverage_range(
    faces: int, level: float, subject: ArrayLike | None = None
) -> tuple[float, float]:
    """Return between which shares an interval of one width for all labels holds new faces.

    What few faces teach is itself uncertain: of n of them the k-th least residual is the width, and
    the share of new faces within it follows Beta(k, n + 1 - k) (Vovk 2013, section 3). Faces of one
    subject count once, as their errors are similar.

    Args:
        faces: how many the calibration was fitted to.
        level: of the interval.
        subject: (faces,) who it is, as in `cross_fit`.

    Returns:
        The ends of the central 95 % of that distribution, as shares.

    >>> low, high = coverage_range(50, 0.9)
    >>> f"{low:.2f} {high:.2f}"
    '0.81 0.97'
    """
    from scipy import stats

    count = int(_numbered(subject, faces).max()) + 1
    within = min(math.ceil((count + 1) * level - 1e-9), count)
    low, high = stats.beta.ppf([0.025, 0.975], within, count + 1 - within)
    return float(low), float(high)


def coverage_rows(
    label: np.ndarray, before: np.ndarray, after: np.ndarray, grid: LabelGrid
) -> list[dict[str, Any]]:
    """Return how often intervals hold the label and how wide they are, overall and by label.

    Args:
        label: (N,) true labels, N at least 1.
        before: (N, 2) intervals.
        after: (..., N, 2) other intervals of the same faces, of one fit or several.
        grid: the label grid.

    Returns:
        A dictionary a row, "all" first, then by decades (of age) or points (of ratings): `labels`,
        `n`, `coverage_before`, `coverage_after` (percent), `width_before`, `width_after` (means).

    >>> before, after = [[22, 28], [38, 44]], [[23, 36], [32, 49]]
    >>> rows = coverage_rows([31, 40], np.array(before), np.array(after), LabelGrid.age())
    >>> [(row["labels"], row["coverage_before"], row["coverage_after"]) for row in rows]
    [('all', 50.0, 100.0), ('30-39', 0.0, 100.0), ('40-49', 100.0, 100.0)]
    """
    label = np.asarray(label, np.float64)
    rows = [_row("all", label, before, after)]
    size = 10.0 ** math.floor(math.log10((grid.stop - grid.start) / 3))
    start = np.floor(label / size + 1e-9) * size
    for one in np.unique(start):
        among = start == one
        name = f"{one:g}-{one + size - (1 if grid.step >= 1 else 0):g}"
        rows.append(_row(name, label[among], before[among], after[..., among, :]))
    return rows


def _row(name: str, label: np.ndarray, before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    row: dict[str, Any] = {"labels": name, "n": len(label)}
    for when, ends in (("before", before), ("after", after)):
        held = (label >= ends[..., 0]) & (label <= ends[..., 1])
        row[f"coverage_{when}"] = float(100 * held.mean())
        row[f"width_{when}"] = float(np.diff(ends, axis=-1).mean())
    return row


def _numbered(subject: ArrayLike | None, count: int) -> np.ndarray:
    """Return a number for each face, the same for faces of one subject, (N,)."""
    if subject is None:
        return np.arange(count)
    numbers: dict[Any, int] = {}
    found = []
    for i, one in enumerate(np.asarray(subject, object)):
        nobody = one is None or one != one or one == ""  # NaN differs from itself
        found.append(numbers.setdefault(("face", i) if nobody else one, len(numbers)))
    return np.array(found)


def _dealt(number: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return a fold for each face, (N,): whole subjects, in turn, in an order drawn by `seed`."""
    order = np.random.default_rng(seed).permutation(int(number.max()) + 1)
    return (order % folds)[number]
