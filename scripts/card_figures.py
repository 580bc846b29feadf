"""Writes the figures of the shipped models into their cards and the README, from metrics.json.

python scripts/card_figures.py

What stands between the marks is replaced; all else is written by hand.
"""

import json
from pathlib import Path
from typing import Any

from marked import replaced

ROOT = Path(__file__).resolve().parents[1]
BEGIN = "<!-- figures: scripts/card_figures.py -->"
TITLES = {
    "database": "data set",
    "decade": "age, years",
    "gender": "gender, as labelled",
    "race": "race, as labelled",
}
MISSING = "(none)"


def main() -> None:
    """Bring all cards and the README up to date."""
    from keras_dldl import files

    for path, text in wanted().items():
        files.write_text(path, text)


def wanted() -> dict[Path, str]:
    """Return what every file with figures should hold."""
    folders = sorted(path.parent for path in (ROOT / "saved_models").glob("*/metrics.json"))
    metrics = {folder.name: json.loads((folder / "metrics.json").read_text()) for folder in folders}
    texts = {
        ROOT / "saved_models" / name / "CARD.md": card_figures(found)
        for name, found in metrics.items()
    }
    texts[ROOT / "README.md"] = readme_figures(metrics)
    return {
        path: replaced(path.read_text(encoding="utf-8"), BEGIN, text)
        for path, text in texts.items()
    }


def card_figures(metrics: dict[str, Any]) -> str:
    """Return the sentence and the tables of one card."""
    unit = unit_of(metrics)
    views = metrics["views"]
    interval = "calibrated" if metrics["model"].get("calibrated") else "central"
    lines = [
        f"**MAE {error(metrics, unit)} {unit}** on {metrics['n']:,} faces, image and mirror image "
        "averaged;",
        f"{other_figures(metrics, unit)}. The image alone: {error(views['image'], unit)}; the "
        f"mirror image alone: {error(views['mirror'], unit)}.",
        f"The {interval} 90 % interval holds {metrics['interval_90_coverage']:.1f} % of the "
        "labels.",
    ]
    for column, title in TITLES.items():
        if len(metrics["groups"].get(column, {})) > 1:
            lines += ["", *group_table(title, metrics["groups"][column], unit)]
    return "\n".join(lines)


def unit_of(metrics: dict[str, Any]) -> str:
    """Return the unit of the labels."""
    return "years" if metrics["task"] == "age" else "points"


def error(numbers: dict[str, Any], unit: str, key: str = "mae", sign: str = "") -> str:
    """Return an error with as many decimals as its unit deserves."""
    return f"{numbers[key]:{sign}.{2 if unit == 'years' else 3}f}"


def other_figures(metrics: dict[str, Any], unit: str) -> str:
    """Return what the field reports of this task besides the MAE."""
    rest = f"RMSE {error(metrics, unit, 'rmse')}, Pearson {metrics['pearson']:.3f}"
    if unit != "years":
        return rest  # an error of three points of five says nothing
    cs = ", ".join(f"CS@{t} {value:.1f} %" for t, value in metrics["cs"].items())
    return f"{cs}, {rest}"


def group_table(title: str, groups: dict[str, Any], unit: str) -> list[str]:
    """Return a table with a row for each group that is labelled."""
    last = {
        "years": ("CS@5", lambda found: f"{found['cs']['5']:.1f} %"),
        "points": ("Pearson", lambda found: f"{found['pearson']:.3f}" if found["pearson"] else "-"),
    }
    heading, cell = last[unit]
    rows = [
        f"| {name} | {found['n']:,} | {error(found, unit)} | {error(found, unit, 'bias', '+')} | "
        f"{cell(found)} |"
        for name, found in groups.items()
        if name != MISSING
    ]
    head = f"| {title} | faces | MAE, {unit} | mean error, {unit} | {heading} |"
    return [head, "|---|---|---|---|---|", *rows]


def readme_figures(metrics: dict[str, dict[str, Any]]) -> str:
    """Return the README's table of models."""
    head = "| name | estimates | backbone, input | parameters | file | MAE | by data set |"
    return "\n".join(
        [
            head,
            "|---|---|---|---|---|---|---|",
            *map(readme_row, *zip(*metrics.items(), strict=True)),
        ]
    )


def readme_row(name: str, found: dict[str, Any]) -> str:
    """Return the README's row of one model."""
    unit = unit_of(found)
    grid = found["model"]["grid"]
    size = (ROOT / "saved_models" / name / "model.tflite").stat().st_size / 1e6
    by_database = ", ".join(
        f"{group} {error(numbers, unit)} ({numbers['n']:,})"
        for group, numbers in found["groups"].get("database", {}).items()
    )
    correlation = "" if unit == "years" else f", Pearson {found['pearson']:.3f}"
    return (
        f"| [`{name}`](saved_models/{name}/CARD.md) "
        f"| {found['task']}, {grid['start']:g} ... {grid['stop']:g} {unit} "
        f"| {found['model']['backbone']}, {found['input_size']} x {found['input_size']} "
        f"| {found['parameters']:,} | {size:.1f} MB | {error(found, unit)} {unit}{correlation} "
        f"| {by_database} |"
    )


if __name__ == "__main__":
    main()
