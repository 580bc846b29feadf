"""The sections of the report: main numbers, figures; groups, data sets and models side by side."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils.html_marks import Html, escaped, figure, paragraph, section, table
from keras_dldl.evaluation import tables
from keras_dldl.evaluation.confidence import COVERAGE
from keras_dldl.evaluation.groups import DECADE, MIN_FACES, OTHERS
from keras_dldl.evaluation.numbers import THRESHOLDS
from keras_dldl.evaluation.report import figures
from keras_dldl.evaluation.training_run import TrainingRun

if TYPE_CHECKING:
    import pandas as pd

POINTS_BAND = 0.5
# More lines than that make a figure that nobody reads.
MOST_DOTS = 20
NOTHING = Html("&ndash;")
Interval = Sequence[float] | None


def tiles(metrics: dict[str, Any], unit: str) -> Html:
    """Return the main numbers, large, with their intervals and what they mean."""
    sure, places = metrics["confidence"], tables.decimals(unit)
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
    if sure["mae"] is None:  # the notes say why
        return Html(numbers_table("", named, unit) + legend)
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
    sure = ", with its 95 % interval" if any("confidence" in of for of in groups.values()) else ""
    means = (
        f"mean of predicted - true{sure}: above 0, predictions are too high. "
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
    name = tables.model_name(metrics["against_model"]) if other is not None else ""
    curve = figures.cumulative_score_curve(label, value, unit, other, name)
    left_out = "all but the largest 0.5 %" if len(label) > figures.FEW_FACES else ""
    drawn = [
        figure("Cumulative score", curve, "share of faces whose error is at most that"),
        figure("Predicted against true", figures.predicted_against_true(label, value, unit)),
        figure("Errors", figures.error_histogram(label, value, unit), left_out),
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


def group_sections(metrics: dict[str, Any], unit: str) -> Html:
    """Return a section a column: the figure and the table of its groups."""
    found = metrics["groups"]
    single = [
        f"{column} ({', '.join(of)})"
        for column, of in found.items()
        if len(of) == 1 and OTHERS not in of
    ]
    remark = f"All faces have one value of: {'; '.join(single)}."
    several = [_group(column, of, unit) for column, of in found.items() if len(of) > 1]
    return Html((paragraph(remark, "quiet") if single else "") + "".join(several))


def fairness_part(metrics: dict[str, Any], unit: str) -> Html:
    """Return the largest differences between the groups of each column."""
    found = metrics["fairness"]
    least, places = found["min_faces"], tables.decimals(unit)
    rows = [
        [column, f"{len(gap['groups'])}", *(_gap(gap[key], places) for key in ("mae", "bias"))]
        for column, gap in found["columns"].items()
        if gap["mae"]
    ]
    if not rows:
        return paragraph(f"No column has two groups of at least {least} faces to compare.")
    text = (
        f"The largest difference between the groups of a column that have at least {least} faces, "
        "with its interval, and which two groups it lies between. They were chosen for being "
        "furthest apart, so of many small groups some gap is found by chance. A gap in one column "
        "may come from another: groups may differ in age, too."
    )
    head = ["column", "groups", f"gap in MAE ({unit})", f"gap in bias ({unit})"]
    return Html(paragraph(text) + table(head, rows))


def datasets_part(metrics: dict[str, Any], unit: str) -> Html:
    """Return the table of data sets, nothing where there is only one."""
    found = metrics["datasets"]
    if len(found) < 2:
        return Html("")
    return numbers_table("data set", found | {"all together": metrics}, unit)


def against_part(metrics: dict[str, Any], unit: str) -> Html:
    """Return the comparison with another model, nothing where there is none."""
    found = metrics.get("against")
    if not found:
        return Html("")
    rows = [_against_row("all faces", metrics["mae"], found)]
    if len(found["datasets"]) > 1 and "database" not in found["groups"]:
        rows += [
            _against_row(name, metrics["datasets"][name]["mae"], entry)
            for name, entry in found["datasets"].items()
        ]
    rows += [
        _against_row(f"{column}: {name}", metrics["groups"][column][name]["mae"], entry)
        for column, values in found["groups"].items()
        for name, entry in values.items()
        if len(values) > 1
    ]
    other = tables.model_name(metrics["against_model"])
    text = (
        f"The other model is {other}. Difference: MAE of this model minus that of the other, on "
        "the same faces; below 0, this model is nearer the truth. p: how often a difference as "
        "large arises by chance, if it makes no difference which model gave which answer; for "
        "groups also corrected by Holm for their number."
    )
    if found["p_wilcoxon"] is not None:
        p = tables.p_value(found["p_wilcoxon"])
        text += (
            " Wilcoxon's signed-rank test over all faces: "
            f"p {'' if p.startswith('<') else '= '}{p}."
        )
    head = ["", "faces", f"MAE ({unit})", "MAE of the other", "difference", "p", "p, Holm"]
    return Html(paragraph(text) + table(head, rows))


def training_part(run: TrainingRun | None, unit: str) -> Html:
    """Return the curves of the run that the model comes from, nothing where there is none."""
    if run is None:
        return Html("")
    drawn = [
        figure(f"{title} by epoch", figures.training_curves(run, name, of))
        for title, name, of in (("Loss", "loss", ""), ("MAE", "mae", unit))
    ]
    shown = f'<div class="figures">{"".join(drawn)}</div>'
    return Html(paragraph(f"{run.kept} {run.remark}") + shown)


def _against_row(name: str, mae: float, found: dict[str, Any]) -> list[str]:
    return [
        name,
        f"{found['n']:,}",
        f"{mae:.3f}",
        f"{found['mae']:.3f}",
        with_interval(found["mae_difference"], found["confidence"], "+.3f"),
        tables.p_value(found["p_permutation"]),
        tables.p_value(found.get("p_holm")),
    ]


def _group(column: str, groups: dict[str, Any], unit: str) -> str:
    parts = [numbers_table(column, groups, unit)]
    if len(groups) <= MOST_DOTS:
        pictures = (
            figure(
                f"{title} by {column}", figures.group_dots(groups, number, unit), "lines: intervals"
            )
            for number, title in (("mae", "MAE"), ("bias", "Bias"))
            if (column, number) != (DECADE, "bias")  # the report's main picture
        )
        parts.insert(0, Html(f'<div class="figures">{"".join(pictures)}</div>'))
    return section(f"by-{column}", f"By {column}", *parts)


def _gap(gap: dict[str, Any], places: int) -> Html:
    between = escaped(f"{gap['highest']} over {gap['lowest']}")
    number = f"{gap['gap']:.{places}f}{interval_below(gap['confidence'], f'.{places}f')}"
    return Html(f"{number}<small>{between}</small>")


def with_interval(number: float | None, interval: Interval, form: str) -> Html:
    """Return a number and its interval, in a form such as "+.2f"; None is shown as "-"."""
    if number is None:
        return NOTHING
    return Html(f"{number:{form}}" + interval_below(interval, form))


def interval_below(interval: Interval, form: str) -> Html:
    """Return an interval as the small second line of a cell, nothing where there is none."""
    if interval is None:
        return Html("")
    low, high = interval
    return Html(f'<small class="interval">{low:{form}} &hellip; {high:{form}}</small>')


def numbers_table(first: str, entries: Mapping[str, dict[str, Any]], unit: str) -> Html:
    """Return a table with a row a summary, numbers with intervals where they have some.

    A column that is empty in all rows (the epsilon-error, without sigmas) is left out.
    """
    rows = [_cells(numbers, tables.decimals(unit)) for numbers in entries.values()]
    heads = [explained(name) for name in (*tables.headings(unit), "90 % coverage (%)")]
    kept = [k for k in range(len(heads)) if any(row[k] != NOTHING for row in rows)]
    return table(
        [first, *(heads[k] for k in kept)],
        [[name, *(row[k] for k in kept)] for name, row in zip(entries, rows, strict=True)],
    )


def explained(name: str) -> Html:
    """Return a term with its meaning, which is shown where the pointer rests on it."""
    term = name.partition(" (")[0]
    meaning = tables.TERMS.get(term)
    if meaning is None:
        return Html(escaped(name))
    return Html(
        f'<abbr title="{escaped(meaning)}">{escaped(term)}</abbr>{escaped(name[len(term) :])}'
    )


def _cells(numbers: dict[str, Any], places: int) -> list[str]:
    sure = numbers.get("confidence") or {}
    scores = [
        with_interval(numbers["cs"][str(t)], (sure.get("cs") or {}).get(str(t)), ".1f")
        for t in THRESHOLDS
    ]

    def cell(name: str, form: str) -> Html:
        return with_interval(numbers.get(name), sure.get(name), form)

    return [
        f"{numbers['n']:,}",
        cell("mae", f".{places}f"),
        cell("bias", f"+.{places}f"),
        *scores,
        cell("rmse", f".{places}f"),
        cell("pearson", ".3f"),
        cell("epsilon_error", ".3f"),
        cell(COVERAGE, ".1f"),
    ]
