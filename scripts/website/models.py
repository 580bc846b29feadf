"""The page of the shipped models: all of them in a table, and their errors by group."""

from pathlib import Path
from typing import Any

import card_figures

from keras_dldl._utils.text_tables import markdown_table
from keras_dldl.evaluation.card import TITLES
from keras_dldl.evaluation.groups import MISSING
from keras_dldl.evaluation.tables import unit_of
from website.pages import ROOT, models

HEAD = """# Shipped models

All are in the package; `keras-dldl models` lists those that are installed, and `--model NAME` takes
one. The figures are measured by `keras-dldl evaluate` on faces that training did not see, image and
mirror image averaged, faces in brackets. Each name leads to the model's card: its data, licence,
recipe, and what it must not be used for. **Weights may be used for research only**; read
[Responsible use](../responsible-use.md) first.
"""
GROUPS = """
## Errors by group

The mean absolute error (MAE) differs between groups of people; the bias tells to which side. Groups
are as the data sets label them, gender and race too: these are the annotators' words for photos,
not facts about people. The number of faces says how sure a figure is: of 50 faces, the mean
absolute error is sure to about a tenth of itself.
"""


def models_page(root: Path = ROOT) -> str:
    """Return the page, written from every model's `metrics.json`."""
    measured = card_figures.measured(root)
    metrics = {name: measured[name] for name in models(root)}
    table = card_figures.readme_figures(metrics)
    for name in metrics:
        table = table.replace(f"(saved_models/{name}/CARD.md)", f"({name}.md)")
    parts = [group_tables(name, found) for name, found in metrics.items()]
    return "\n".join([HEAD, table, GROUPS, *parts])


def group_tables(name: str, metrics: dict[str, Any]) -> str:
    """Return a heading and a table of all groups of one model."""
    unit = unit_of(metrics)
    rows = [
        [title, group, f"{found['n']:,}", f"{found['mae']:.2f}", f"{found['bias']:+.2f}"]
        for column, title in TITLES.items()
        for group, found in metrics["groups"].get(column, {}).items()
        if group != MISSING
    ]
    head = ["by", "group", "faces", f"MAE, {unit}", f"bias, {unit}"]
    return f"### {name}\n\n{markdown_table(head, rows, numbers=False)}\n"
