"""`report.html`: an evaluation in one file, with nothing to fetch from elsewhere."""

import base64
import html
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.evaluation import figures, tables

if TYPE_CHECKING:
    import pandas as pd

TEMPLATE = Path(__file__).with_name("report.html")
AGE_BAND, POINTS_BAND = 10.0, 0.5
SHOWN_UNREADABLE = 50


def report_html(metrics: dict[str, Any], predictions: "pd.DataFrame") -> str:
    """Return the report as one self-contained HTML document.

    Args:
        metrics: the content of `metrics.json`.
        predictions: the content of `predictions.csv`.
    """
    unit = tables.unit_of(metrics)
    template = Template(TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(
        title=html.escape(f"Evaluation: {metrics['task']}, {_model_name(metrics)}"),
        data=html.escape(tables.described_data(metrics["data"])),
        views=_table(["", *tables.headings(unit)], tables.view_rows(metrics)),
        remarks="".join(f"<li>{html.escape(remark)}</li>" for remark in tables.remarks(metrics)),
        coverage=f"{metrics['interval_90_coverage']:.1f}",
        figures=_figures(metrics, predictions, unit),
        groups="".join(_group(*item, unit) for item in metrics["groups"].items()),
        unreadable=_unreadable(metrics["unreadable"]),
        provenance=_provenance(metrics),
    )


def _model_name(metrics: dict[str, Any]) -> str:
    model = metrics["model"]
    return f"{model['backbone']} by {model['method']['name']}"


def _figures(metrics: dict[str, Any], predictions: "pd.DataFrame", unit: str) -> str:
    label = predictions["label"].to_numpy(np.float64)
    value = predictions["value"].to_numpy(np.float64)
    band = AGE_BAND if metrics["task"] == "age" else POINTS_BAND
    by_band = "Error by decade" if metrics["task"] == "age" else "Error by true label"
    drawn = {
        "Cumulative score": figures.cumulative_score_curve(label, value, unit),
        "Predicted against true": figures.predicted_against_true(label, value, unit),
        by_band: figures.error_by_band(label, value, unit, band),
        "Errors": figures.error_histogram(label, value, unit),
    }
    return "".join(_image(title, png) for title, png in drawn.items())


def _image(title: str, png: bytes) -> str:
    data = base64.b64encode(png).decode("ascii")
    return (
        f"<figure><figcaption>{title}</figcaption>"
        f'<img alt="{title}" src="data:image/png;base64,{data}"></figure>'
    )


def _group(column: str, groups: dict[str, Any], unit: str) -> str:
    table = _table([column, *tables.headings(unit)], tables.group_rows(groups))
    return f'<h2>By {html.escape(column)}</h2><div class="wide">{table}</div>'


def _unreadable(items: Sequence[dict[str, Any]]) -> str:
    if not items:
        return ""
    rows = [[str(item["line"]), item["path"], item["reason"]] for item in items[:SHOWN_UNREADABLE]]
    more = len(items) - len(rows)
    rest = f"<p>and {more:,} more, listed in metrics.json</p>" if more else ""
    table = _table(["line", "path", "reason"], rows, text=True)
    return f'<h2>Images left out</h2><div class="wide">{table}</div>{rest}'


def _provenance(metrics: dict[str, Any]) -> str:
    rows = [
        [f"{part} {name}", value if isinstance(value, str) else json.dumps(value)]
        for part in ("model", "data", "versions")
        for name, value in metrics[part].items()
    ]
    rows.insert(0, ["parameters", f"{metrics['parameters']:,}"])
    rows.insert(1, ["input", f"{metrics['input_size']} x {metrics['input_size']} pixels"])
    return _table(["", ""], rows, text=True)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], text: bool = False) -> str:
    """Return an HTML table; every cell is escaped, since names and paths come from the data."""
    cell = '<td class="text">' if text else "<td>"
    head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
    body = "".join(
        "<tr>" + "".join(f"{cell}{html.escape(value)}</td>" for value in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
