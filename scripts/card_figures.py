"""Writes the figures of the shipped models into their cards and the README, from metrics.json.

python scripts/card_figures.py

Only the text between the marks is replaced.
"""

import json
from pathlib import Path
from typing import Any

from marked import replaced

from keras_dldl._utils.text_tables import markdown_table
from keras_dldl.evaluation.card import error, figures
from keras_dldl.evaluation.tables import unit_of

ROOT = Path(__file__).resolve().parents[1]
BEGIN = "<!-- figures: scripts/card_figures.py -->"


def main() -> None:
    """Bring all cards and the README up to date."""
    from keras_dldl._utils import files

    for path, text in wanted().items():
        files.write_text(path, text)


def wanted() -> dict[Path, str]:
    """Return what every file with figures should hold."""
    metrics = measured()
    texts = {
        ROOT / "saved_models" / name / "CARD.md": figures(found) for name, found in metrics.items()
    }
    texts[ROOT / "README.md"] = readme_figures(metrics)
    return {
        path: replaced(path.read_text(encoding="utf-8"), BEGIN, text)
        for path, text in texts.items()
    }


def measured(root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """Return the figures of each model, by its name."""
    files = sorted((root / "saved_models").glob("*/metrics.json"))
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in files}


def readme_figures(metrics: dict[str, dict[str, Any]]) -> str:
    """Return the README's table of models."""
    head = ["name", "estimates", "backbone, input", "parameters", "file", "MAE", "by data set"]
    rows = [readme_row(name, found) for name, found in metrics.items()]
    return markdown_table(head, rows, numbers=False)


def readme_row(name: str, found: dict[str, Any]) -> list[str]:
    """Return the cells of one model in the README."""
    unit = unit_of(found)
    grid = found["model"]["grid"]
    size = (ROOT / "saved_models" / name / "model.tflite").stat().st_size / 1e6
    by_database = ", ".join(
        f"{group} {error(numbers, unit)} ({numbers['n']:,})"
        for group, numbers in found["groups"].get("database", {}).items()
    )
    correlation = "" if unit == "years" else f", Pearson {found['pearson']:.3f}"
    return [
        f"[`{name}`](saved_models/{name}/CARD.md)",
        f"{found['task']}, {grid['start']:g} ... {grid['stop']:g} {unit}",
        f"{found['model']['backbone']}, {found['input_size']} x {found['input_size']}",
        f"{found['parameters']:,}",
        f"{size:.1f} MB",
        f"{error(found, unit)} {unit}{correlation}",
        by_database,
    ]


if __name__ == "__main__":
    main()
