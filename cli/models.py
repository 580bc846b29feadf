"""`keras-dldl models`: the models that ship with the package."""

import json
from pathlib import Path
from typing import Any

import click

from keras_dldl.cli.options import json_option

COLUMNS = ("name", "task", "parameters", "input_size", "mae", "megabytes", "path")


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the models that ship with the package, and how well they do.

    The name can be given wherever a command asks for a model.
    """
    from keras_dldl import saved_models

    rows = [describe(name, saved_models.folder(name)) for name in saved_models.names()]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif rows:
        click.echo(format_table(rows))
    else:
        click.echo("No models ship with this installation.", err=True)


def describe(name: str, folder: Path) -> dict[str, Any]:
    """Return the `COLUMNS` of the model in `folder` without loading it; None for the unknown.

    Raises:
        ModelFileError: metrics.json is there and is not a JSON object.
    """
    from keras_dldl import saved_models

    model_file = folder / saved_models.MODEL_FILE
    metrics = saved_models.read_metrics(folder)
    known = {column: metrics.get(column) for column in COLUMNS}
    megabytes = round(model_file.stat().st_size / 1e6, 1)
    return known | {"name": name, "megabytes": megabytes, "path": str(model_file)}


def format_table(rows: list[dict[str, Any]]) -> str:
    """Return `rows` as lines of aligned columns under a header; the last column is not padded."""
    cells = [[column.replace("_", " ") for column in COLUMNS]]
    cells += [[_cell(row[column]) for column in COLUMNS] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
