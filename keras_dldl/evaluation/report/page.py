"""The page: its parts in order, in the template's style."""

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from keras_dldl.evaluation import tables
from keras_dldl.evaluation.pictures import Pictures
from keras_dldl.evaluation.report import groups, overview, provenance
from keras_dldl.evaluation.report.faces import faces_part
from keras_dldl.html_marks import Html, escaped, section

if TYPE_CHECKING:
    import pandas as pd

TEMPLATE = Path(__file__).with_name("report.html")


def report_html(
    metrics: dict[str, Any], predictions: "pd.DataFrame", pictures: Pictures | None = None
) -> str:
    """Return the report as one self-contained HTML document.

    Args:
        metrics: the content of `metrics.json`.
        predictions: the content of `predictions.csv`.
        pictures: the faces to show; None shows none.
    """
    unit = tables.unit_of(metrics)
    parts = _sections(metrics, predictions, pictures or Pictures(), unit)
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escaped(_title(metrics)),
        data=escaped(f"{metrics['n']:,} faces: {tables.described_data(metrics['data'])}"),
        tiles=overview.tiles(metrics, unit),
        verdict=overview.leak_verdict(metrics["leak_check"]),
        remarks=overview.remarks(metrics),
        contents=_contents(parts),
        sections="".join(section(name, *part) for name, part in parts.items()),
    )


def _title(metrics: dict[str, Any]) -> str:
    return f"Evaluation: {metrics['task']}, {tables.model_name(metrics['model'])}"


def _sections(
    metrics: dict[str, Any], predictions: "pd.DataFrame", pictures: Pictures, unit: str
) -> dict[str, tuple[str, Html]]:
    """Return title and content of each part that there is, by its name."""
    decimals = 1 if unit == "years" else 2
    parts = {
        "numbers": ("Numbers", overview.views_table(metrics, unit)),
        "data-sets": ("Data sets", groups.datasets_part(metrics, unit)),
        "against": ("Against the other model", groups.against_part(metrics, unit)),
        "figures": ("Errors", overview.main_figures(metrics, predictions, unit)),
        "calibration": ("Calibration", overview.calibration_part(metrics, unit)),
        "fairness": ("Gaps between groups", groups.fairness_part(metrics, unit)),
        "groups": ("Groups", groups.group_sections(metrics, unit)),
        "faces": ("Faces", faces_part(pictures, predictions, decimals)),
        "left-out": ("Images left out", provenance.unreadable_part(metrics["unreadable"])),
        "provenance": ("Where these numbers come from", provenance.provenance_part(metrics)),
    }
    return {name: part for name, part in parts.items() if part[1]}


def _contents(parts: dict[str, tuple[str, Html]]) -> str:
    return "".join(f'<a href="#{name}">{escaped(title)}</a>' for name, (title, _) in parts.items())
