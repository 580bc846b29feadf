"""The page: its parts in order."""

from typing import TYPE_CHECKING, Any

from keras_dldl.evaluation import tables
from keras_dldl.evaluation.pictures import Pictures
from keras_dldl.evaluation.report import groups, overview, provenance
from keras_dldl.evaluation.report.faces import faces_part
from keras_dldl.html_marks import Html, escaped, page, section

if TYPE_CHECKING:
    import pandas as pd


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
    about = f"{metrics['n']:,} faces: {tables.described_data(metrics['data'])}"
    return page(
        f"Evaluation: {metrics['task']}, {tables.model_name(metrics['model'])}",
        about,
        overview.words(metrics),
        overview.tiles(metrics, unit),
        overview.main_picture(metrics, predictions, unit),
        overview.leak_verdict(metrics["leak_check"]),
        overview.remarks(metrics),
        _contents(parts),
        *(section(name, *part) for name, part in parts.items()),
    )


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


def _contents(parts: dict[str, tuple[str, Html]]) -> Html:
    links = (f'<a href="#{name}">{escaped(title)}</a>' for name, (title, _) in parts.items())
    return Html(f"<nav>{''.join(links)}</nav>")
