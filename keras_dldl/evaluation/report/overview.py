"""The first part of the report: the main numbers, what must be known with them, and the figures."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils.html_marks import Html, escaped, figure, paragraph, section, table
from keras_dldl.evaluation import tables
from keras_dldl.evaluation.confidence import COVERAGE
from keras_dldl.evaluation.groups import DECADE, MIN_FACES, OTHERS
from keras_dldl.evaluation.report import figures
from keras_dldl.evaluation.report.groups import decimals, interval_below, numbers_table

if TYPE_CHECKING:
    import pandas as pd

POINTS_BAND = 0.5


def tiles(metrics: dict[str, Any], unit: str) -> Html:
    """Return the main numbers, large, with their intervals and what they mean."""
    sure, places = metrics["confidence"], decimals(unit)
    shown = [
        ("MAE", metrics["mae"], sure["mae"], f".{places}f", unit),
        ("balanced MAE", metrics["balanced_mae"], None, f".{places}f", unit),
        ("bias", metrics["bias"], sure["bias"], f"+.{places}f", unit),
        ("CS@5", metrics["cs"]["5"], sure["cs"]["5"], ".1f", "%"),
        ("Pearson", metrics["pearson"], sure["pearson"], ".3f", ""),
        ("90 % coverage", metrics[COVERAGE], sure[COVERAGE], ".1f", "%"),
    ]
    # Points end before an error of 5.
    left_out = () if metrics["task"] == "age" else ("balanced MAE", "CS@5")
    made = []
    for name, number, interval, form, of in shown:
        if name not in left_out:
            text = "&ndash;" if number is None else f"{number:{form}}<span> {escaped(of)}</span>"
            below = "" if number is None else interval_below(interval, form)
            means = f'<small class="means">{escaped(tables.TERMS[name])}</small>'
            made.append(f"<div><h3>{name}</h3><strong>{text}</strong>{below}{means}</div>")
    return Html(f'<div class="tiles">{"".join(made)}</div>')


def views_table(metrics: dict[str, Any], unit: str) -> Html:
    """Return the numbers of both views and of their average, and the words' meanings."""
    views = {"average": metrics, **metrics["views"]}
    named = {title: views[name] for name, title in tables.VIEW_TITLES.items()}
    terms = "".join(f"<dt>{n}</dt><dd>{escaped(m)}</dd>" for n, m in tables.TERMS.items())
    legend = f"<details><summary>What the numbers mean</summary><dl>{terms}</dl></details>"
    sure = metrics["confidence"]
    drawn = {"face": "faces", "subject": "people, each with all faces,"}[sure["by"]]
    remark = (
        f"Small figures are the central {100 * sure['level']:g} % of {sure['replicates']:,} "
        f"bootstrap replicates: the {sure['units']:,} {drawn} drawn again (seed {sure['seed']}). "
        "They speak for this trained model on faces like these, not for another training of it."
    )
    return Html(numbers_table("", named, unit) + paragraph(remark, "quiet") + legend)


def leak_verdict(found: dict[str, Any]) -> Html:
    """Return what the leak check found; "good" only where the model's own training is known."""
    names = ("faces_in_train", "subjects_in_train", "faces_seen")
    bad = any(found.get(name) for name in names)
    clean = found["checked"] and found.get("seen_complete")
    kind = "bad" if bad else "good" if clean else "unknown"
    return paragraph(tables.leak_sentence(found), f"verdict {kind}")


def main_picture(metrics: dict[str, Any], predictions: "pd.DataFrame", unit: str) -> Html:
    """Return the bias by decade or by band of the label; nothing where there are no two of them."""
    if metrics["task"] == "age":
        title, groups = "Bias by decade of age", metrics["groups"][DECADE]
        groups = {name: one for name, one in groups.items() if name != OTHERS}
    else:
        title = "Bias by true label"
        groups = label_bands(predictions["label"], predictions["value"], POINTS_BAND)
    if len(groups) < 2:
        return Html("")
    means = (
        "mean of predicted - true, with its 95 % interval: above 0, predictions are too high. "
        "Bars: MAE. Small figures: faces"
    )
    return section("bias", title, figure("Bias", figures.error_by_group(groups, unit), means))


def label_bands(label: Any, value: Any, width: float) -> dict[str, dict[str, float]]:
    """Return `n`, `mae` and `bias` by band of the true label, of those with 20 faces or more."""
    label, value = (np.asarray(one, np.float64) for one in (label, value))
    band = np.floor(label / width + 1e-9).astype(int)
    error = value - label
    return {
        f"{b * width:g}-{(b + 1) * width:g}": {
            "n": int((band == b).sum()),
            "mae": float(np.abs(error[band == b]).mean()),
            "bias": float(error[band == b].mean()),
        }
        for b in np.unique(band)
        if (band == b).sum() >= MIN_FACES
    }


def main_figures(metrics: dict[str, Any], predictions: "pd.DataFrame", unit: str) -> Html:
    """Return the figures of the whole."""
    label = predictions["label"].to_numpy(np.float64)
    value = predictions["value"].to_numpy(np.float64)
    other = predictions["against_value"].to_numpy(np.float64) if metrics.get("against") else None
    curve = figures.cumulative_score_curve(label, value, unit, other)
    drawn = [
        figure("Cumulative score", curve, "share of faces with an error of at most t"),
        figure("Predicted against true", figures.predicted_against_true(label, value, unit)),
        figure("Errors", figures.error_histogram(label, value, unit), "all but the largest 0.5 %"),
    ]
    return Html(f'<div class="figures">{"".join(drawn)}</div>')


def calibration_part(metrics: dict[str, Any], unit: str) -> Html:
    """Return whether the intervals hold what they claim."""
    found = metrics["calibration"]
    gap = found["largest_gap"]
    says = "more" if gap["difference"] >= 0 else "less"
    text = (
        "An interval of a level should hold the label of that share of the faces. Below the "
        "diagonal the model is too sure of itself, above it too careful. Furthest off at "
        f"{gap['level']:g} %, which covers {abs(gap['difference']):.1f} points {says}. Coverage by "
        "group stands in the tables by group."
    )
    levels = (10, 25, 50, 75, 90, 95)
    places = [found["levels"].index(level) for level in levels]
    rows = [
        [
            f"{level} %",
            Html(f"{found['covered'][i]:.1f}" + interval_below(found["confidence"][i], ".1f")),
            f"{found['mean_width'][i]:.2f}",
        ]
        for level, i in zip(levels, places, strict=True)
    ]
    head = ["level", "covered, %", f"mean width, {unit}"]
    curve = figure("Level claimed against share covered", figures.calibration_curve(found))
    shown = f'<div class="figures">{curve}{table(head, rows)}</div>'
    return Html(paragraph(text) + shown)
