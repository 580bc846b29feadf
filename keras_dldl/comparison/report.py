"""From the finished cells to the files of a comparison."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl import files, html_marks
from keras_dldl.comparison import tables
from keras_dldl.comparison.axes import ablations, sensitivities
from keras_dldl.comparison.bootstrap import LEVEL, REPLICATES
from keras_dldl.comparison.naming import differences
from keras_dldl.comparison.pictures import draw_comparison, draw_sensitivity, drawable
from keras_dldl.comparison.summary import INTERVALS, Done, notes_of, summarise
from keras_dldl.training.config import TrainConfig

if TYPE_CHECKING:
    from keras_dldl.comparison.plan import Plan
    from keras_dldl.data.prepared import PreparedData

FORMAT = 1
STATISTICS = {"level": LEVEL, "replicates": REPLICATES, "intervals": INTERVALS, "p_holm": "Holm"}


def content_of(
    plan: "Plan", data: "PreparedData", done: Done, measured: "PreparedData | None" = None
) -> dict[str, Any]:
    """Return the content of `comparison.json`.

    Args:
        plan: the plan.
        data: what is trained on.
        done: the cells that are done or failed, with what they gave.
        measured: whose faces are predicted; None: those of `data`.

    Raises:
        DataError: the cells did not predict the same faces.
    """
    entries = summarise(plan, done)
    measured = data if measured is None else measured
    settings = {name: value for name, value in plan.base.to_dict().items() if name != "data"}
    return {
        "format": FORMAT,
        "task": data.grid.task,
        "unit": data.grid.unit,
        "split": plan.split,
        "faces": {split: len(data.rows(split)) for split in data.splits},
        "data": _names(data),
        "test_data": _names(measured) if measured is not data else [],
        "test_faces": len(measured.rows(plan.split)),
        "settings": settings,
        "settings_changed": differences(TrainConfig(), plan.base),
        "baseline": plan.baseline,
        "statistics": STATISTICS,
        "variants": entries,
        "ablations": ablations(plan),
        "sensitivities": sensitivities(plan, data.grid.step, data.size),
        "failed": [
            {"variant": result.variant, "seed": result.seed, "error": result.error}
            for _, result in done
            if result.error is not None
        ],
        "notes": notes_of(entries, plan.baseline),
    }


def _names(data: "PreparedData") -> list[str]:
    return [folder.path.resolve().name for folder in data.folders]


def write_report(
    plan: "Plan", data: "PreparedData", out: Path, done: Done, measured: "PreparedData"
) -> dict[str, Any]:
    """Write all files of a comparison and return the content of `comparison.json`."""
    content = content_of(plan, data, done, measured)
    files.write_text(out / "table.md", tables.markdown(content))
    files.write_text(out / "table.csv", tables.csv_text(content))
    drawn = _draw(out, content)
    files.write_text(out / "comparison.html", page_html(content, drawn))
    files.write_json(out / "comparison.json", content)
    return content


def page_html(content: dict[str, Any], pictures: Sequence[Path]) -> str:
    """Return `comparison.html`: the tables and pictures in one file.

    Args:
        content: of `comparison.json`.
        pictures: the PNG files drawn of it.
    """
    parts = [("Methods and settings", tables.headings(content), tables.main_rows(content))]
    for ablation in content["ablations"]:
        head = tables.ablation_headings(content)
        rows = tables.ablation_rows(content, ablation)
        parts.append((f"The parts of the loss of {ablation['joint']}", head, rows))
    for axis in content["sensitivities"]:
        head = tables.sensitivity_headings(content, axis["setting"])
        parts += [
            (f"{axis['setting']} of {c['name']}", head, tables.sensitivity_rows(content, c))
            for c in axis["curves"]
        ]
    shown = [html_marks.figure(path.stem, path.read_bytes()) for path in pictures]
    main, *others = [
        html_marks.section(f"table-{number}", title, html_marks.table(head, rows))
        for number, (title, head, rows) in enumerate(parts)
    ]
    return html_marks.page(
        f"Comparison: {content['task']}",
        f"{', '.join(content['data'])}, measured on {content['split']}",
        main,
        html_marks.section("pictures", "Pictures", *shown),
        *others,
        html_marks.section("notes", "Notes", html_marks.listing(tables.remarks(content))),
    )


def _draw(out: Path, content: dict[str, Any]) -> list[Path]:
    """Draw what there is to draw, and return the files."""
    drawn = []
    if any(entry["seeds"] for entry in content["variants"]):
        drawn.append(out / "comparison.png")
        draw_comparison(drawn[-1], content)
    if drawable(content):
        drawn.append(out / "sensitivity.png")
        draw_sensitivity(drawn[-1], content)
    return drawn
