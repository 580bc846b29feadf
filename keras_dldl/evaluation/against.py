"""Two models on the same faces: is one nearer the truth, over all and by group?"""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from keras_dldl.errors import DataError
from keras_dldl.evaluation.confidence import AT_ONCE, CELLS_AT_ONCE, MIN_UNITS, Drawn, holm
from keras_dldl.labels import LabelGrid

PERMUTATIONS = 10_000
SIGNIFICANT = 0.05
TIE = 1e-9  # sums of the same numbers in another order
SCOPE = (
    "This holds for these two trained models, not for their methods: to compare methods, train "
    "each with several seeds (`keras-dldl compare`)."
)


def check_comparable(grid: LabelGrid, other: LabelGrid) -> list[str]:
    """Return remarks on comparing two models' values; where only the step differs, there is one.

    A decoder that gives labels of the grid (the median) rounds to its step.

    Raises:
        DataError: task or range differ.
    """
    if (grid.task, grid.start, grid.stop) != (other.task, other.start, other.stop):
        raise DataError(
            "The model of --against must have the task and the range of labels of the model "
            f"evaluated: {_in_words(grid)}; the step may differ. Received: {_in_words(other)}"
        )
    if grid.step != other.step:
        return [f"the label grids differ in step: {grid.step:g} here, {other.step:g} in --against"]
    return []


def paired_tests(
    difference: np.ndarray,
    members: Mapping[Hashable, np.ndarray],
    units: np.ndarray,
    drawn: Drawn,
) -> dict[Hashable, dict[str, Any]]:
    """Return by part: the difference in MAE with its interval and p-value, ready for JSON.

    Args:
        difference: (N,) absolute error of the model minus that of the other.
        members: by part: which faces.
        units: (N,) what is drawn as one.
        drawn: the drawings; under each key of `members` the last column is of `difference`.

    Returns:
        By part: `n`; `mae_difference`, below 0 where the model is nearer; `confidence`, its paired
        bootstrap interval; `p_permutation`, two-sided, by random changes of sign of each unit (None
        for fewer than `MIN_UNITS`).
    """
    p_values = _sign_flips(difference, members, units, drawn.seed)
    return {
        key: {
            "n": len(index),
            "mae_difference": float(difference[index].mean()),
            "confidence": drawn.interval(key, drawn.mean(key, -1)),
            "p_permutation": p if drawn.units[key] >= MIN_UNITS else None,
        }
        for (key, index), p in zip(members.items(), p_values, strict=True)
    }


def wilcoxon(difference: np.ndarray) -> float | None:
    """Return the p-value of Wilcoxon's signed-rank test, two-sided; None where nothing differs.

    It asks whether the differences are symmetric about 0, whatever their size at the far
    ends, which the mean of them (the MAE) is moved by. It takes every face for independent.
    """
    from scipy import stats

    if not np.any(difference):
        return None
    return float(stats.wilcoxon(difference).pvalue)


def is_shown(found: Mapping[str, Any]) -> bool:
    """Return whether a difference is shown: its interval leaves out 0, and p < 0.05.

    >>> is_shown({"confidence": (-0.9, -0.1), "p_permutation": 0.01})
    True
    """
    interval, p = found["confidence"], found["p_permutation"]
    if interval is None or p is None:
        return False
    return (interval[0] > 0 or interval[1] < 0) and p < SIGNIFICANT


def conclusion(found: Mapping[str, Any], unit: str) -> str:
    """Return what may be concluded from a difference over all faces, in a sentence or two.

    A difference is called shown where both the interval leaves out 0 and the permutation test has
    p < 0.05. The rank test is named where it says something else than the mean. `found` has what
    `paired_tests` gives, `p_wilcoxon`, and the percent of faces on which the model is `nearer` or
    `farther` than the other.
    """
    difference, interval, p = (
        found[name] for name in ("mae_difference", "confidence", "p_permutation")
    )
    if found["p_wilcoxon"] is None:
        return f"Both models have the same errors on all {found['n']:,} faces."
    if interval is None or p is None:
        return f"Too few faces to conclude anything: {MIN_UNITS} faces or people are the least."
    outside = interval[0] > 0 or interval[1] < 0
    ends = f"{interval[0]:+.3f} to {interval[1]:+.3f} {unit}"
    mean = "lower" if difference < 0 else "higher"
    shown = is_shown(found)
    if shown:
        said = (
            f"On faces like these this model's MAE is {mean} "
            f"(95 % interval of the difference {ends})."
        )
    elif outside or p < SIGNIFICANT:
        said = (
            f"Undecided: the 95 % interval ({ends}) {'leaves out' if outside else 'holds'} 0 but "
            f"p is {p:.3f}, so the difference is at the edge of what these faces can show."
        )
    else:
        said = f"No difference in MAE is shown; it may be anything from {ends}, or none."
    return f"{said}{_of_ranks(found, shown)} {SCOPE}"


def _of_ranks(found: Mapping[str, Any], shown: bool) -> str:
    """Return what the rank test adds to the mean, nothing where they agree."""
    nearer, farther = found["nearer"], found["farther"]
    ranked = found["p_wilcoxon"] < SIGNIFICANT
    counts = f"this model is nearer on {nearer:.0f} % of faces and farther on {farther:.0f} %"
    if ranked and (nearer - farther) * found["mae_difference"] > 0:
        return f" The rank test says the opposite ({counts}): large errors decide the mean."
    if ranked and not shown:
        return f" The rank test finds one ({counts}), too small or too uneven to move the mean."
    if shown and not ranked:
        return f" The rank test does not find it ({counts}): large errors decide the mean."
    return ""


def add_holm(groups: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    """Give every group `p_holm`: its p-value corrected for the number of all groups tested."""
    entries = [entry for column in groups.values() for entry in column.values()]
    tested = [entry for entry in entries if entry["p_permutation"] is not None]
    for entry in entries:
        entry["p_holm"] = None
    corrected = holm([entry["p_permutation"] for entry in tested])
    for entry, p in zip(tested, corrected, strict=True):
        entry["p_holm"] = p


def _sign_flips(
    difference: np.ndarray, members: Mapping[Hashable, np.ndarray], units: np.ndarray, seed: int
) -> list[float]:
    """Return p-values: how often a mean is as far from 0 if either model could be either."""
    count = int(units.max()) + 1
    means = np.stack(
        [
            np.bincount(units[index], weights=difference[index], minlength=count) / len(index)
            for index in members.values()
        ],
        axis=1,
    )
    observed = np.abs(means.sum(axis=0))
    rng, at_once = np.random.default_rng(seed), min(AT_ONCE, max(1, CELLS_AT_ONCE // count))
    as_far = np.zeros(len(members), np.int64)
    for first in range(0, PERMUTATIONS, at_once):
        rows = min(at_once, PERMUTATIONS - first)
        signs = 2.0 * rng.integers(0, 2, (rows, count), dtype=np.int8) - 1.0
        as_far += (np.abs(signs @ means) >= observed - TIE).sum(axis=0)
    return [float(p) for p in (as_far + 1) / (PERMUTATIONS + 1)]


def _in_words(grid: LabelGrid) -> str:
    return f"{grid.task}, {grid.start:g} ... {grid.stop:g} by {grid.step:g} {grid.unit}"
