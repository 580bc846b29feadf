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
    unit = "years" if metrics["task"] == "age" else "points"
    cs = ", ".join(f"CS@{t} {value:.1f} %" for t, value in metrics["cs"].items())
    views = metrics["views"]
    interval = "calibrated" if metrics["model"].get("calibrated") else "central"
    lines = [
        f"**MAE {metrics['mae']:.2f} {unit}** on {metrics['n']:,} faces, image and mirror image "
        "averaged;",
        f"{cs}, RMSE {metrics['rmse']:.2f}, Pearson {metrics['pearson']:.3f}. The image alone: "
        f"{views['image']['mae']:.2f}; the mirror image alone: {views['mirror']['mae']:.2f}.",
        f"The {interval} 90 % interval holds {metrics['interval_90_coverage']:.1f} % of the "
        "labels.",
    ]
    for column, title in TITLES.items():
        if column in metrics["groups"]:
            lines += ["", *group_table(title, metrics["groups"][column], unit)]
    return "\n".join(lines)


def group_table(title: str, groups: dict[str, Any], unit: str) -> list[str]:
    """Return a table with a row for each group that is labelled."""
    rows = [
        f"| {name} | {found['n']:,} | {found['mae']:.2f} | {found['bias']:+.2f} | "
        f"{found['cs']['5']:.1f} % |"
        for name, found in groups.items()
        if name != MISSING
    ]
    head = f"| {title} | faces | MAE, {unit} | mean error, {unit} | CS@5 |"
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
    unit = "years" if found["task"] == "age" else "points"
    grid = found["model"]["grid"]
    size = (ROOT / "saved_models" / name / "model.keras").stat().st_size / 1e6
    by_database = ", ".join(
        f"{group} {numbers['mae']:.2f} ({numbers['n']:,})"
        for group, numbers in found["groups"].get("database", {}).items()
    )
    return (
        f"| [`{name}`](saved_models/{name}/CARD.md) "
        f"| {found['task']}, {grid['start']:g} ... {grid['stop']:g} {unit} "
        f"| {found['model']['backbone']}, {found['input_size']} x {found['input_size']} "
        f"| {found['parameters']:,} | {size:.1f} MB | {found['mae']:.2f} {unit} | {by_database} |"
    )


if __name__ == "__main__":
    main()
