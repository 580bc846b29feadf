"""`keras-dldl models`: the models that ship with the package."""

from pathlib import Path
from typing import Any

import click

from keras_dldl._utils.text_tables import aligned
from keras_dldl.cli.options import echo_json, json_option

COLUMNS = ("name", "task", "parameters", "input_size", "mae", "megabytes", "default", "path")
SHOWN = COLUMNS[:-1]  # paths are long
TERMS = "For research only; the card of each model, CARD.md beside it, says for what and for whom."


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the shipped models and their errors.

    Give a name wherever a command asks for a model. Without one, commands use the default model of
    the task. The models are for research only: see their cards.
    """
    from keras_dldl import saved_models

    rows = [describe(name, saved_models.folder(name)) for name in saved_models.names()]
    if as_json:
        echo_json(rows)
    elif rows:
        click.echo(format_table(rows))
        click.echo(f"\n{TERMS} --json shows the paths.")
    else:
        click.echo("No models ship with this installation.", err=True)


def describe(name: str, folder: Path) -> dict[str, Any]:
    """Return the `COLUMNS` of the model in `folder` without loading it; None for the unknown.

    Raises:
        ModelFileError: metrics.json is there and is not a JSON object.
    """
    from keras_dldl import saved_models

    model_file = folder / saved_models.LIGHT_FILE
    metrics = saved_models.read_metrics(folder)
    known = {column: metrics.get(column) for column in COLUMNS}
    megabytes = round(model_file.stat().st_size / 1e6, 1)
    default = name in saved_models.DEFAULT_MODELS.values()
    found = {"name": name, "megabytes": megabytes, "default": default, "path": str(model_file)}
    return known | found


def format_table(rows: list[dict[str, Any]]) -> str:
    """Return `rows` as lines of aligned columns under a header."""
    head = [column.replace("_", " ") for column in SHOWN]
    return "\n".join(aligned([head, *([_cell(row[c]) for c in SHOWN] for row in rows)], words=2))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "default" if value else ""
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
