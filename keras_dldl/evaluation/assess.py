"""From distributions to all numbers: `metrics.json` and `predictions.csv`, without a model run."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.calibration import Calibration
from keras_dldl.evaluation.against import add_holm, conclusion, paired_tests, wilcoxon
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
from keras_dldl.evaluation.decoding import LEVELS, Decoded, decode
from keras_dldl.evaluation.groups import NOT_GROUPS, balanced_mae, gaps, group_members, members
from keras_dldl.evaluation.numbers import coverage, summary
from keras_dldl.evaluation.predicting import Views
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import pandas as pd

RESULT_COLUMNS = ("path", "label", "value", "std", "low", "high", "against_value")
WHOLE = ("all",)
CALIBRATION = ("calibration",)
SEED = 0


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
        rows: N rows of a manifest, to which `views` are the model's answers.
        views, grid, decoder, calibrated: of the model.
        columns: to group by, see `groups.grouping_columns`.
        origins: (N,) the data set of each row; None is one data set without a name.
        other: (N,) values of the model to compare with.
    """
    label = rows["label"].to_numpy(np.float64)
    sigma = rows["sigma"].to_numpy(np.float64) if "sigma" in rows else None
    faces = _Faces(label, sigma, Decoded.of(views.average, grid, decoder, calibrated), other)
    grouped = group_members(rows, columns, grid.task)
    named = members(np.full(len(label), "all") if origins is None else origins)
    parts = {WHOLE: np.arange(len(label))}
    parts |= {("groups", c, name): i for c, values in grouped.items() for name, i in values.items()}
    parts |= {("datasets", name): index for name, index in named.items()}
    units, by = units_of(rows)
    drawn = faces.draw(parts, units, by)
    numbers = {key: faces.numbers(key, index, drawn) for key, index in parts.items()}
    for key in [WHOLE, *(("datasets", name) for name in named)]:
        balanced = balanced_mae(label[parts[key]], faces.answers.value[parts[key]])
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
        "calibration": faces.calibration(drawn),
    }
    if drawn.units[WHOLE] < MIN_UNITS:
        metrics["notes"].append(f"intervals of the numbers need at least {MIN_UNITS} faces")
    if other is not None:
        metrics["against"] = faces.against(parts, units, drawn, grid.unit)
    return metrics, _predictions(rows, faces.answers, other)


@dataclass(frozen=True)
class _Faces:
    label: np.ndarray
    sigma: np.ndarray | None
    answers: Decoded
    other: np.ndarray | None

    def draw(self, parts: dict[Hashable, np.ndarray], units: np.ndarray, by: str) -> Drawn:
        """Draw the faces once for all that has an interval."""
        inside = self._inside()
        covered = (self.label >= self.answers.low) & (self.label <= self.answers.high)
        columns = moments(self.label, self.answers.value, self.sigma, covered)
        if self.other is not None:
            columns = np.column_stack([columns, self._difference()])
        summed = {key: Part(index, columns[index]) for key, index in parts.items()}
        levels = np.column_stack([np.ones(len(inside)), inside])
        summed[CALIBRATION] = Part(parts[WHOLE], levels)
        return draw(summed, units, by, SEED)

    def numbers(self, key: Hashable, index: np.ndarray, drawn: Drawn) -> dict[str, Any]:
        sigma = None if self.sigma is None else self.sigma[index]
        label, answers = self.label[index], self.answers
        found = summary(label, answers.value[index], sigma)
        found[COVERAGE] = coverage(label, answers.low[index], answers.high[index])
        return {**found, "confidence": intervals_of(drawn, key)}

    def calibration(self, drawn: Drawn) -> dict[str, Any]:
        """Return the levels claimed and the shares covered, in percent, and the furthest off."""
        covered, claimed = 100 * self._inside().mean(axis=0), 100 * np.array(LEVELS)
        furthest = int(np.argmax(np.abs(covered - claimed)))
        return {
            "levels": [float(round(level, 6)) for level in claimed],
            "covered": covered.tolist(),
            "confidence": [
                drawn.interval(CALIBRATION, 100 * drawn.mean(CALIBRATION, 1 + k))
                for k in range(len(LEVELS))
            ],
            "mean_width": (self.answers.highs - self.answers.lows).mean(axis=0).tolist(),
            "largest_gap": {
                "level": float(round(claimed[furthest], 6)),
                "difference": float(covered[furthest] - claimed[furthest]),
            },
        }

    def against(
        self, parts: dict[Hashable, np.ndarray], units: np.ndarray, drawn: Drawn, unit: str
    ) -> dict[str, Any]:
        difference = self._difference()
        found = paired_tests(difference, parts, units, drawn)
        for key, index in parts.items():
            found[key]["mae"] = float(np.abs(self.other - self.label)[index].mean())
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
            "numbers": summary(self.label, self.other, self.sigma),
            **whole,
            "conclusion": conclusion(whole, unit),
            "groups": groups,
            "datasets": {key[1]: entry for key, entry in found.items() if key[0] == "datasets"},
        }

    def _inside(self) -> np.ndarray:
        """Return whether the interval of each level holds the label, (N, L)."""
        label = self.label[:, None]
        return (label >= self.answers.lows) & (label <= self.answers.highs)

    def _difference(self) -> np.ndarray:
        return np.abs(self.answers.value - self.label) - np.abs(self.other - self.label)


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
