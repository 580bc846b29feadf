"""The numbers as sentences: how large the error is, for whom it is larger, what is shown.

No sentence says more than the intervals allow: what holds 0, or overlaps, is said not to be shown.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_dldl._utils.arguments import first_few
from keras_dldl._utils.text_tables import counted
from keras_dldl.evaluation.confidence import COVERAGE
from keras_dldl.evaluation.groups import MIN_FACES, MISSING, NOT_GROUPS, OTHERS
from keras_dldl.evaluation.tables import decimals_in_words, percent
from keras_dldl.labels import LabelGrid

FEW_FACES = 200
MOST_GROUPS = 4
NEARLY_ALL = 0.8  # of the faces: a group that holds more is no part to set against the whole
# How a face was found is no group of people either.
NOT_IN_WORDS = (*NOT_GROUPS, "face")


def in_words(metrics: Mapping[str, Any], grid: LabelGrid) -> dict[str, str]:
    """Return what an evaluation found, in plain sentences, from the content of `metrics.json`.

    `error` says how large the error is; `groups`, for whom it is larger; `shown`, what may be
    concluded; `doubtful`, what may not.
    """
    places = decimals_in_words(grid.unit)
    return {
        "error": _error(metrics, grid, places),
        "groups": _groups(metrics, places),
        "shown": _shown(metrics),
        "doubtful": _doubtful(metrics),
    }


def _error(metrics: Mapping[str, Any], grid: LabelGrid, places: int) -> str:
    interval, bias = metrics["confidence"]["mae"], metrics["confidence"]["bias"]
    off = f"the {grid.task} is off by {metrics['mae']:.{places}f} {grid.unit}"
    if metrics["n"] == 1:
        return f"On this one face {off}."
    text = f"On these {metrics['n']:,} faces {off} on average{_ends(interval, places)}."
    if grid.task == "age":
        text += f" For {percent(metrics['cs']['5'])} of the faces it is off by at most 5 years."
    if bias is None:
        return text
    if bias[0] <= 0 <= bias[1]:
        return f"{text} Over all faces, predictions are not shown to be too high or too low."
    side = "high" if metrics["bias"] > 0 else "low"
    off = f"{abs(metrics['bias']):.{places}f} {grid.unit} too {side}{_ends(bias, places, '+')}"
    return f"{text} Over all faces, predictions are {off}."


def _groups(metrics: Mapping[str, Any], places: int) -> str:
    """Name the groups whose interval lies above that of all faces, or whose bias leaves out 0."""
    named = {
        f"ages {name}" if column == "decade" else f"{column} {name}": one
        for column, groups in metrics["groups"].items()
        for name, one in groups.items()
        if column not in NOT_IN_WORDS
        and name not in (MISSING, OTHERS)
        and one["n"] <= NEARLY_ALL * metrics["n"]
        and one["confidence"]["mae"] is not None
    }
    whole = metrics["confidence"]["mae"]
    if not named or whole is None:
        return (
            "For whom the error is larger cannot be said: no two groups have at least "
            f"{MIN_FACES} faces each."
        )
    worse = {n: one for n, one in named.items() if one["confidence"]["mae"][0] > whole[1]}
    if worse:
        text = f"The error is larger than overall for {_listed(worse, 'mae', f'.{places}f')}."
    else:
        text = (
            f"No group of at least {MIN_FACES} faces is shown to have a larger error than overall."
        )
    for side, sign in (("high", 1), ("low", -1)):
        biased = {
            name: one
            for name, one in named.items()
            if min(sign * end for end in one["confidence"]["bias"]) > 0
        }
        if biased:
            found = _listed(biased, "bias", f"+.{places}f")
            text += f" Predictions are too {side} for {found}."
    return text


def _shown(metrics: Mapping[str, Any]) -> str:
    from scipy import stats

    # Drawn again, faces without a miss give an interval without width: the binomial's is honest.
    within = round(metrics["n"] * metrics[COVERAGE] / 100)
    exact = 100 * np.array(stats.binomtest(within, metrics["n"]).proportion_ci(0.95))
    low, high = metrics["confidence"][COVERAGE] or (0, 100)
    low, high = min(low, exact[0]), max(high, exact[1])
    held = f"The 90 % intervals hold {percent(metrics[COVERAGE])} of the labels"
    if high < 90:
        text = f"{held}: they are too narrow to rely on; `keras-dldl calibrate` mends that."
    elif low > 90:
        text = f"{held}: they are wider than they need be."
    elif metrics["n"] < MIN_FACES:
        text = f"{held}: {_are(metrics['n'])} too few to judge them by."
    else:
        text = f"{held}, which agrees with what they claim."
    if against := metrics.get("against"):
        text += f" Against the other model: {against['conclusion']}"
    return text


def _doubtful(metrics: Mapping[str, Any]) -> str:
    leaks, unread = metrics["leak_check"], len(metrics["unreadable"])
    said = ["These numbers hold for this trained model and for faces like these, not for others."]
    if leaks.get("faces_seen"):
        said.append(
            "Some of these faces were trained on, so the error on new faces is likely larger."
        )
    elif leaks.get("faces_in_train"):
        said.append(
            "Some of these faces are also among the data's training faces: if the model was "
            "trained on those, the error on new faces is likely larger."
        )
    elif not (leaks["checked"] and leaks.get("seen_complete")):
        said.append("Whether the model was trained on some of these faces is not known.")
    if metrics["n"] < FEW_FACES:
        said.append(f"{_are(metrics['n'])} few: small differences cannot be seen with so few.")
    groups = {c: of for c, of in metrics["groups"].items() if c not in NOT_IN_WORDS}
    if small := [column for column, of in groups.items() if set(of) == {OTHERS}]:
        said.append(
            f"No group by {' or '.join(small)} has {MIN_FACES} faces, so none is shown: more test "
            "faces would help."
        )
    if folded := [column for column, of in groups.items() if OTHERS in of and len(of) > 1]:
        said.append(
            f"Groups of under {MIN_FACES} faces say too little: they are put together as {OTHERS} "
            f"by {', '.join(folded)}."
        )
    if unread:
        said.append(f"{counted(unread, 'row was', 'rows were')} left out.")
    return " ".join(said)


def _are(faces: int) -> str:
    return counted(faces, "face is", "faces are")


def _listed(groups: Mapping[str, Any], number: str, form: str) -> str:
    """Name the groups furthest off, with their numbers."""
    first = sorted(groups, key=lambda name: abs(groups[name][number]), reverse=True)
    return first_few([f"{name} ({groups[name][number]:{form}})" for name in first], MOST_GROUPS)


def _ends(interval: Any, places: int, sign: str = "") -> str:
    if interval is None:
        return ""
    low, high = interval
    return f" (95 % interval {low:{sign}.{places}f} to {high:{sign}.{places}f})"
