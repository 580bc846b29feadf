"""From distributions to all numbers: `metrics.json` and `predictions.csv`, without a model run."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.calibration import Calibration
from keras_dldl.evaluation.against import (
    add_holm,
    conclusion,
    paired_part,
    paired_tests,
    wilcoxon,
)
from keras_dldl.evaluation.confidence import (
    COVERAGE,
    MIN_UNITS,
    Drawn,
    Part,
    draw,
    intervals_of,
    moments,
    units_of,
)
from keras_dldl.evaluation.groups import NOT_GROUPS, balanced_mae, gaps, group_members, members
from keras_dldl.evaluation.intervals import (
    CALIBRATION,
    COVERAGE_LEVEL,
    LEVELS,
    calibrated_ends,
    calibration,
    covered_part,
    interval_ends,
)
from keras_dldl.evaluation.numbers import coverage, summary
from keras_dldl.evaluation.predicting import Views, decode
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import pandas as pd

RESULT_COLUMNS = ("path", "label", "value", "std", "low", "high", "against_value")
WHOLE = ("all",)
SEED = 0


@dataclass(frozen=True)
class Decoded:
    """A model's answers, each (N,), or (N, L) for the levels of `intervals.LEVELS`."""

    value: np.ndarray
    std: np.ndarray
    lows: np.ndarray
    highs: np.ndarray

    @classmethod
    def of(
        cls,
        distribution: np.ndarray,
        grid: LabelGrid,
        decoder: str,
        calibrated: Calibration | None = None,
    ) -> "Decoded":
        """Decode (N, K) distributions, with intervals by the model's calibration if it has one."""
        value, std = decode(distribution, grid, decoder)
        if calibrated is None:
            ends = interval_ends(distribution, grid, LEVELS)
        else:
            ends = calibrated_ends(value, std, calibrated, LEVELS)
        return cls(value, std, *ends)

    @property
    def low(self) -> np.ndarray:
        """Lower ends of the 90 % intervals."""
        return self.lows[:, LEVELS.index(COVERAGE_LEVEL)]

    @property
    def high(self) -> np.ndarray:
        """Upper ends of the 90 % intervals."""
        return self.highs[:, LEVELS.index(COVERAGE_LEVEL)]


def assess(
    rows: "pd.DataFrame",
    views: Views,
    grid: LabelGrid,
    *,
    decoder: str = "expectation",
    calibrated: Calibration | None = None,
    columns: Sequence[str] = (),
    origins: np.ndarray | None = None,
    other: np.ndarray | None = None,
) -> tuple[dict[str, Any], "pd.DataFrame"]:
    """Return the numbers, and the rows of `predictions.csv`.

    Args:
        rows: N rows of a manifest.
        views: the model's answers to them.
        grid: K labels.
        decoder: "expectation" or "median".
        calibrated: the model's calibration, if it has one.
        columns: to group by, see `groups.grouping_columns`.
        origins: (N,) the data set of each row; None is one data set without a name.
        other: (N,) values of the model to compare with.
    """
    label = rows["label"].to_numpy(np.float64)
    sigma = rows["sigma"].to_numpy(np.float64) if "sigma" in rows else None
    answers = Decoded.of(views.average, grid, decoder, calibrated)
    faces = _Faces(label, sigma, answers, *units_of(rows))
    grouped = group_members(rows, columns, grid.task)
    named = members(np.full(len(label), "all") if origins is None else origins)
    parts = {WHOLE: np.arange(len(label))}
    parts |= {("groups", c, name): i for c, values in grouped.items() for name, i in values.items()}
    parts |= {("datasets", name): index for name, index in named.items()}
    drawn = faces.draw(parts, other)
    numbers = {key: faces.numbers(key, index, drawn) for key, index in parts.items()}
    for key in [WHOLE, *(("datasets", name) for name in named)]:
        balanced = balanced_mae(label[parts[key]], answers.value[parts[key]])
        numbers[key]["balanced_mae"] = balanced if grid.task == "age" else None
    groups = {c: {n: numbers["groups", c, n] for n in values} for c, values in grouped.items()}
    metrics = {
        **numbers[WHOLE],
        "confidence": drawn.settings() | numbers[WHOLE]["confidence"],
        "views": {
            name: summary(label, decode(view, grid, decoder)[0], sigma)
            for name, view in (("image", views.image), ("mirror", views.mirror))
        },
        "groups": groups,
        "datasets": {name: numbers["datasets", name] for name in named},
        "fairness": gaps(groups, drawn),
        "calibration": calibration(label, answers.lows, answers.highs, drawn),
    }
    if drawn.units[WHOLE] < MIN_UNITS:
        metrics["notes"].append(f"intervals of the numbers need at least {MIN_UNITS} faces")
    if other is not None:
        metrics["against"] = faces.against(other, parts, drawn, grid.unit)
    return metrics, _predictions(rows, answers, other)


@dataclass(frozen=True)
class _Faces:
    label: np.ndarray
    sigma: np.ndarray | None
    answers: Decoded
    units: np.ndarray
    by: str

    @property
    def covered(self) -> np.ndarray:
        return (self.label >= self.answers.low) & (self.label <= self.answers.high)

    def draw(self, parts: dict[Hashable, np.ndarray], other: np.ndarray | None) -> Drawn:
        """Draw the faces once for all that has an interval."""
        columns = moments(self.label, self.answers.value, self.sigma, self.covered)
        summed = {key: Part(index, columns[index]) for key, index in parts.items()}
        summed[CALIBRATION] = covered_part(self.label, self.answers.lows, self.answers.highs)
        if other is not None:
            difference = self._difference(other)
            summed |= {
                ("against", *key): paired_part(index, difference) for key, index in parts.items()
            }
        return draw(summed, self.units, self.by, SEED)

    def numbers(self, key: Hashable, index: np.ndarray, drawn: Drawn) -> dict[str, Any]:
        sigma = None if self.sigma is None else self.sigma[index]
        label, answers = self.label[index], self.answers
        found = summary(label, answers.value[index], sigma)
        found[COVERAGE] = coverage(label, answers.low[index], answers.high[index])
        return {**found, "confidence": intervals_of(drawn, key)}

    def against(
        self, other: np.ndarray, parts: dict[Hashable, np.ndarray], drawn: Drawn, unit: str
    ) -> dict[str, Any]:
        difference = self._difference(other)
        keyed = {("against", *key): index for key, index in parts.items()}
        tested = paired_tests(difference, keyed, self.units, drawn)
        found = {key: tested[("against", *key)] for key in parts}
        for key, index in parts.items():
            found[key]["mae"] = float(np.abs(other - self.label)[index].mean())
        groups: dict[str, dict[str, Any]] = {}
        for kind, *names in parts:
            if kind == "groups" and names[0] not in NOT_GROUPS:
                groups.setdefault(names[0], {})[names[1]] = found[kind, names[0], names[1]]
        add_holm(groups)
        whole = {
            **found[WHOLE],
            "p_wilcoxon": wilcoxon(difference),
            "nearer": 100 * float(np.mean(difference < 0)),
            "farther": 100 * float(np.mean(difference > 0)),
        }
        return {
            "numbers": summary(self.label, other, self.sigma),
            **whole,
            "conclusion": conclusion(whole, unit),
            "groups": groups,
            "datasets": {key[1]: entry for key, entry in found.items() if key[0] == "datasets"},
        }

    def _difference(self, other: np.ndarray) -> np.ndarray:
        return np.abs(self.answers.value - self.label) - np.abs(other - self.label)


def _predictions(
    rows: "pd.DataFrame", answers: Decoded, other: np.ndarray | None
) -> "pd.DataFrame":
    others = rows.drop(columns=["path", "label"])
    others = others.rename(columns={c: f"manifest_{c}" for c in others if c in RESULT_COLUMNS})
    first = rows[["path", "label"]].assign(
        value=answers.value, std=answers.std, low=answers.low, high=answers.high
    )
    if other is not None:
        first = first.assign(against_value=other)
    return first.join(others)
