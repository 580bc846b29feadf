"""`report.html`: an evaluation in one file, with nothing to fetch from elsewhere."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keras_dldl._utils.html_marks import (
    Html,
    data_uri,
    escaped,
    listing,
    page,
    paragraph,
    section,
    table,
)
from keras_dldl._utils.text_tables import counted
from keras_dldl.evaluation import tables
from keras_dldl.evaluation.predicting import Pictures
from keras_dldl.evaluation.report import sections
from keras_dldl.evaluation.training_run import TrainingRun

if TYPE_CHECKING:
    import pandas as pd

SHOWN_UNREADABLE = 50
REMARK = (
    "The largest errors are often wrong labels, wrong faces of a photo, or bad crops: look before "
    "you blame the model. Below each: value for label, the 90 % interval, the file. Blue frames: "
    "the interval holds the label; red ones: it does not."
)


def report_html(
    metrics: dict[str, Any],
    predictions: "pd.DataFrame",
    pictures: Pictures | None = None,
    run: TrainingRun | None = None,
) -> str:
    """Return the report as one self-contained HTML document.

    Args:
        metrics: the content of `metrics.json`.
        predictions: the content of `predictions.csv`.
        pictures: the faces to show; None shows none.
        run: the training run of the model; None has no section.
    """
    unit = tables.unit_of(metrics)
    faces = _faces(pictures or Pictures(), predictions, tables.decimals_in_words(unit))
    parts = {
        "numbers": ("Numbers", sections.views_table(metrics, unit)),
        "data-sets": ("Data sets", sections.datasets_part(metrics, unit)),
        "against": ("Against the other model", sections.against_part(metrics, unit)),
        "figures": ("Errors", sections.main_figures(metrics, predictions, unit)),
        "calibration": ("Calibration", sections.calibration_part(metrics, unit)),
        "fairness": ("Gaps between groups", sections.fairness_part(metrics, unit)),
        "groups": ("Groups", sections.group_sections(metrics, unit)),
        "training": ("Training", sections.training_part(run, unit)),
        "faces": ("Faces", faces),
        "left-out": ("Rows left out", _unreadable(metrics["unreadable"])),
        "provenance": ("Where these numbers come from", _provenance(metrics)),
    }
    parts = {name: part for name, part in parts.items() if part[1]}
    about = f"{counted(metrics['n'], 'face')}: {tables.described_data(metrics['data'])}"
    links = (f'<a href="#{name}">{escaped(title)}</a>' for name, (title, _) in parts.items())
    words = "".join(paragraph(text) for text in metrics["summary"].values())
    return page(
        f"Evaluation: {metrics['task']}, {tables.model_name(metrics['model'])}",
        about,
        Html(f'<div class="box words">{words}</div>'),
        sections.tiles(metrics, unit),
        sections.main_picture(metrics, predictions, unit),
        sections.leak_verdict(metrics["leak_check"]),
        listing(tables.remarks(metrics)),
        Html(f"<nav>{''.join(links)}</nav>"),
        *(section(name, *part) for name, part in parts.items()),
    )


def _faces(pictures: Pictures, predictions: "pd.DataFrame", decimals: int) -> Html:
    """Return the faces kept, the largest errors first, then the smallest."""
    if not pictures.worst:
        return Html("")
    parts = [paragraph(REMARK, "quiet")]
    for title, kept in (("largest", pictures.worst), ("smallest", pictures.best)):
        if kept:
            shown = (_face(predictions.iloc[number], jpeg, decimals) for number, jpeg in kept)
            several = f"{len(kept)} {title} errors"
            parts.append(f"<h3>The {several if len(kept) > 1 else f'{title} error'}</h3>")
            parts.append(f'<ul class="faces">{"".join(shown)}</ul>')
    return Html("".join(parts))


def _face(row: Any, jpeg: bytes, decimals: int) -> str:
    path = escaped(str(row["path"]))
    held = "held" if row["low"] <= row["label"] <= row["high"] else "missed"
    return (
        f'<li class="{held}"><img alt="{path}" src="{data_uri(jpeg, "image/jpeg")}">'
        f"<b>{row['value']:.{decimals}f}</b> for {row['label']:g}"
        f"<small>{row['low']:.{decimals}f} &hellip; {row['high']:.{decimals}f}</small>"
        f'<small class="path" title="{path}">{path}</small></li>'
    )


def _unreadable(items: Sequence[dict[str, Any]]) -> Html:
    """Return the rows that were left out, and why; nothing where there are none."""
    if not items:
        return Html("")
    rows = [[str(item["line"]), item["path"], item["reason"]] for item in items[:SHOWN_UNREADABLE]]
    more = len(items) - len(rows)
    rest = paragraph(f"and {more:,} more, listed in metrics.json") if more else ""
    return Html(table(["line", "path", "reason"], rows, text=True) + rest)


def _provenance(metrics: dict[str, Any]) -> Html:
    """Return all that distinguishes this evaluation from another one."""
    sure = metrics["confidence"]
    rows = [
        *([["parameters", f"{metrics['parameters']:,}"]] if metrics["parameters"] else []),
        ["input", f"{metrics['input_size']} x {metrics['input_size']} pixels"],
        *_rows("model", metrics["model"]),
        *_rows("other model", metrics.get("against_model") or {}),
        *_rows("data", metrics["data"]),
        ["leak check", tables.leak_sentence(metrics["leak_check"])],
        [
            "bootstrap",
            f"{sure['replicates']:,} replicates, drawn by {sure['by']}, seed {sure['seed']}",
        ],
        *_rows("program:", metrics["versions"]),
    ]
    return table([], rows, text=True)


def _rows(part: str, values: dict[str, Any]) -> list[list[str]]:
    return [
        [f"{part} {name}", value if isinstance(value, str) else json.dumps(value)]
        for name, value in values.items()
        if value is not None
    ]
