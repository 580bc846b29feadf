"""From the finished cells to the files of a comparison."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl import files
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
    _draw(out, content)
    files.write_json(out / "comparison.json", content)
    return content


def _draw(out: Path, content: dict[str, Any]) -> None:
    if any(entry["seeds"] for entry in content["variants"]):
        draw_comparison(out / "comparison.png", content)
    if drawable(content):
        draw_sensitivity(out / "sensitivity.png", content)
