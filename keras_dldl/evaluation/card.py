"""A model's card, in Markdown: what it is, how well it does, what it was made of, its limits."""

import os
from pathlib import Path
from typing import Any

import yaml

from keras_dldl._utils.files import sha256_of
from keras_dldl._utils.text_tables import markdown_table
from keras_dldl.errors import ModelFileError
from keras_dldl.evaluation.groups import MISSING
from keras_dldl.evaluation.tables import decimals, model_name, unit_of
from keras_dldl.models import FaceModel, load_model
from keras_dldl.saved_models import METRICS_FILE, find_model, read_metrics

TITLES = {
    "database": "data set",
    "decade": "age, years",
    "gender": "gender, as labelled",
    "race": "race, as labelled",
}
LIMITS = """## What it is for, and what not

For comparing methods, and for statistics over many photos of people who agreed to it.

It must not be used for decisions about people: proof of age, access, hiring, credit, insurance,
policing, asylum, medicine. It tells how a face in a photo looks to a network. Its error is larger
on photos of other kinds than those it was measured on, and differs between groups of people.
Make-up, blur, poses, drawings and old prints mislead it.

The terms of use of the data that it was trained on hold for the weights, too."""


def model_card(
    model: str | os.PathLike,
    report: str | os.PathLike | None = None,
    place: str = "model.keras",
) -> str:
    """Return the card of a model, in Markdown.

    Args:
        model: a model's file, a run folder, or a shipped model's name. Beside it may be the
            `config.yaml` of the run.
        report: the folder that `evaluate` wrote of this model; default: the model's own folder, if
            it holds a `metrics.json`.
        place: where users of the card find the model.

    Raises:
        ModelFileError: there is no such model, or the report is of another one, or is damaged.
    """
    file = find_model(model)
    metrics = read_report(file, report)
    loaded = load_model(file)
    name = file.resolve().parent.name if file.stem == "model" else file.stem
    parts = [f"# {name}", _what(loaded, place), "## How well it does"]
    parts.append(
        figures(metrics)
        if metrics
        else "No report was given: `keras-dldl evaluate` measures, `--report DIR` adds the figures."
    )
    data = metrics.get("data", {})
    if folders := ", ".join(data.get("folders", ())):
        parts.append(
            f"Measured on the split {data['split']} of {folders}, image and mirror image averaged."
        )
    settings = _settings(file)
    parts += ["## Data", _data(loaded, settings.get("init")), *_shown(settings), LIMITS]
    return "\n\n".join(parts) + "\n"


def read_report(file: Path, report: str | os.PathLike | None = None) -> dict[str, Any]:
    """Return what `metrics.json` in the report, or beside the model's file, says; {} without one.

    Raises:
        ModelFileError: the report is missing, damaged, or of another file.
    """
    metrics = read_metrics(Path(report or file.parent))
    if report is not None and not metrics:
        raise ModelFileError(
            f"A report is a folder that `keras-dldl evaluate` wrote. Received: {report}, without "
            f"{METRICS_FILE}"
        )
    measured = metrics.get("model", {}).get("sha256")
    if measured not in (None, sha256_of(file)):
        raise ModelFileError(
            "The report must be of this very model file. "
            f"Received: {file}, and a report of {model_name(metrics['model'])}"
        )
    return metrics


def _what(model: FaceModel, place: str) -> str:
    grid, method = model.grid, model.method.get_config()
    options = ", ".join(f"{key} {value}" for key, value in method["options"].items())
    return (
        f"Estimates the {model.task} of a face in a photo, {grid.start:g} ... {grid.stop:g} "
        f"{grid.unit} in steps of {grid.step:g}. The network is {model.backbone_name}, "
        f"{model.count_params():,} parameters, for faces of {model.input_size} x "
        f"{model.input_size} pixels; the method {model.method.name}"
        + (f" ({options})" if options else "")
        + f". Intervals are {'not ' if model.calibration is None else ''}calibrated.\n\n"
        "```python\nimport keras_dldl\n\n"
        f'keras_dldl.predict_{model.task}("photo.jpg", model="{place}")\n```'
    )


def _data(model: FaceModel, start: str | None) -> str:
    training = model.card.get("training")
    terms = "its card says what it was trained on, and its terms hold for these weights, too"
    if not training and start:
        return f"No epoch was better than {start}, so the weights are those of {start}: {terms}."
    if not training:
        return "The file does not tell what the model was trained on."
    mae = training.get("val_mae")
    chosen = "" if mae is None else f", whose MAE on the validation faces was {mae:.3f}"
    folders = ", ".join(dict.fromkeys(training["data"]))  # two splits of one have one name
    return (
        f"Trained on {training['images']:,} images of {folders}. "
        f"The weights are those of epoch {training['epoch']}{chosen}."
        + (f" The start model was {start}: {terms}." if start else "")
    )


def _settings(file: Path) -> dict[str, Any]:
    config = file.parent / "config.yaml"
    if not config.is_file():
        return {}
    return _without_places(yaml.safe_load(config.read_text(encoding="utf-8")) or {})


def _shown(settings: dict[str, Any]) -> list[str]:
    if not settings:
        return []
    text = yaml.safe_dump(settings, sort_keys=False).strip()
    return [f"## Settings of the training\n\n```yaml\n{text}\n```"]


def _without_places(value: Any) -> Any:
    """Return the value with the last part alone of every path: a card is for other machines."""
    if isinstance(value, dict):
        return {key: _without_places(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_places(one) for one in value]
    return Path(value).name if isinstance(value, str) and os.path.isabs(value) else value


def figures(metrics: dict[str, Any]) -> str:
    """Return how well a model does, a paragraph and tables by group, in Markdown.

    Args:
        metrics: what `metrics.json` holds.
    """
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
            lines += ["", group_table(title, metrics["groups"][column], unit)]
    return "\n".join(lines)


def error(numbers: dict[str, Any], unit: str, key: str = "mae", sign: str = "") -> str:
    """Return an error as text, with the decimals that its unit is shown with."""
    return f"{numbers[key]:{sign}.{decimals(unit)}f}"


def other_figures(metrics: dict[str, Any], unit: str) -> str:
    """Return what the field reports of this task besides the MAE."""
    rest = f"RMSE {error(metrics, unit, 'rmse')}, Pearson {_pearson(metrics)}"
    if unit != "years":
        return rest  # an error of three points of five says nothing
    cs = ", ".join(f"CS@{t} {value:.1f} %" for t, value in metrics["cs"].items())
    return f"{cs}, {rest}"


def _pearson(metrics: dict[str, Any]) -> str:
    found = metrics["pearson"]  # none of one face, or of equal labels
    return "-" if found is None else f"{found:.3f}"


def group_table(title: str, groups: dict[str, Any], unit: str) -> str:
    """Return a table with a row for each group that is labelled."""
    last = {
        "years": ("CS@5", lambda found: f"{found['cs']['5']:.1f} %"),
        "points": ("Pearson", _pearson),
    }
    heading, cell = last[unit]
    rows = [
        [name, f"{found['n']:,}", error(found, unit), error(found, unit, "bias", "+"), cell(found)]
        for name, found in groups.items()
        if name != MISSING
    ]
    head = [title, "faces", f"MAE, {unit}", f"bias, {unit}", heading]
    return markdown_table(head, rows, numbers=False)
