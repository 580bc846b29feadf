"""How well a calibration holds, measured on faces that it was not fitted to."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_dldl.arguments import check_integer
from keras_dldl.calibration.calibration import Calibration, checked_faces
from keras_dldl.calibration.quantiles import WINDOW_FACES
from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid, as_grid

FOLDS = 10


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
        DataError: what `Calibration.fit` refuses; or so few subjects that a fold leaves under 100
            faces, or none with another label.
    """
    grid = as_grid(grid)
    folds = check_integer("folds", folds, minimum=2)
    value, std, label = checked_faces(value, std, label, grid)
    fold = _dealt(_numbered(subject, len(label)), folds, seed)
    ends = np.empty((len(label), 2))
    for held_out in np.unique(fold):
        inside = fold == held_out
        others = label[~inside]
        if len(others) < WINDOW_FACES or others.min() == others.max():
            raise DataError(
                f"Each fold must leave {WINDOW_FACES} faces or more with different labels to fit. "
                f"Received: {len(others)} beside a fold of {np.count_nonzero(inside)}; give more "
                "faces, or more subjects"
            )
        fitted = Calibration.fit_any(value[~inside], std[~inside], others, grid)
        ends[inside] = fitted.intervals(value[inside], std[inside], level)
    return ends


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
