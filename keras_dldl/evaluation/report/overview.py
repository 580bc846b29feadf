"""The first part of the report: the main numbers, what must be known with them, and the figures."""

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.evaluation import tables
from keras_dldl.evaluation.confidence import COVERAGE
from keras_dldl.evaluation.report import figures
from keras_dldl.evaluation.report.cells import decimals, interval_below, numbers_table
from keras_dldl.html_marks import Html, escaped, figure, listing, paragraph, table

if TYPE_CHECKING:
    import pandas as pd

POINTS_BAND = 0.5


def tiles(metrics: dict[str, Any], unit: str) -> Html:
    """Return the main numbers, large, with their intervals."""
    sure, places = metrics["confidence"], decimals(unit)
    shown = [
        ("MAE", metrics["mae"], sure["mae"], f".{places}f", unit),
        ("balanced MAE", metrics["balanced_mae"], None, f".{places}f", unit),
        ("CS@5", metrics["cs"]["5"], sure["cs"]["5"], ".1f", "%"),
        ("bias", metrics["bias"], sure["bias"], f"+.{places}f", unit),
        ("RMSE", metrics["rmse"], sure["rmse"], f".{places}f", unit),
        ("PC", metrics["pearson"], sure["pearson"], ".3f", ""),
        ("90 % interval holds", metrics[COVERAGE], sure[COVERAGE], ".1f", "%"),
    ]
    if metrics["balanced_mae"] is None:  # not of ages
        del shown[1]
    made = "".join(_tile(*one) for one in shown)
    return Html(f'<div class="tiles">{made}</div>')


def interval_sentence(metrics: dict[str, Any]) -> str:
    """Return how the intervals were made."""
    sure = metrics["confidence"]
    drawn = {"face": "faces", "subject": "people, each with all faces,"}[sure["by"]]
    return (
        f"Small figures are the central {100 * sure['level']:g} % of {sure['replicates']:,} "
        f"bootstrap replicates: the {sure['units']:,} {drawn} drawn anew (seed {sure['seed']}). "
        "They speak for this trained model on faces like these, not for another training of it."
    )


def views_table(metrics: dict[str, Any], unit: str) -> Html:
    """Return the numbers of both views and of their average, and the words' meanings."""
    views = {"average": metrics, **metrics["views"]}
    named = {title: views[name] for name, title in tables.VIEW_TITLES.items()}
    return Html(numbers_table("", named, unit) + paragraph(interval_sentence(metrics), "quiet"))


def leak_verdict(found: dict[str, Any]) -> Html:
    """Return what the leak check found; "good" only where the model's own training is known."""
    names = ("faces_in_train", "subjects_in_train", "faces_seen")
    bad = any(found.get(name) for name in names)
    clean = found["checked"] and found.get("seen_complete")
    kind = "bad" if bad else "good" if clean else "unknown"
    return paragraph(tables.leak_sentence(found), f"verdict {kind}")


def remarks(metrics: dict[str, Any]) -> Html:
    """Return what a reader of the numbers must know."""
    return listing(tables.remarks(metrics))


def main_figures(metrics: dict[str, Any], predictions: "pd.DataFrame", unit: str) -> Html:
    """Return the figures of the whole."""
    label = predictions["label"].to_numpy(np.float64)
    value = predictions["value"].to_numpy(np.float64)
    other = predictions["against_value"].to_numpy(np.float64) if metrics.get("against") else None
    if metrics["task"] == "age":
        title, by_band = (
            "Error by decade",
            figures.error_by_group(metrics["groups"]["decade"], unit),
        )
    else:
        title = "Error by true label"
        by_band = figures.error_by_band(label, value, unit, POINTS_BAND)
    curve = figures.cumulative_score_curve(label, value, unit, other)
    drawn = [
        figure("Cumulative score", curve, "share of faces with an error of at most t"),
        figure("Predicted against true", figures.predicted_against_true(label, value, unit)),
        figure(title, by_band, "lines: intervals"),
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


def _tile(name: str, number: float | None, interval: Any, form: str, unit: str) -> str:
    text = "&ndash;" if number is None else f"{number:{form}}<span> {escaped(unit)}</span>"
    below = "" if number is None else interval_below(interval, form)
    return f"<div><h3>{name}</h3><strong>{text}</strong>{below}</div>"
