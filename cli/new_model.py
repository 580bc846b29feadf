"""What commands share that write a new model file."""

from collections.abc import Callable
from pathlib import Path

import click

from keras_dldl.cli.options import echo_json, json_option, with_options

force_option = click.option("--force", is_flag=True, help="Replace OUT if it exists.")
keras_file_option = click.option(
    "--out", required=True, type=click.Path(dir_okay=False), help="The .keras file to write."
)


def two_models(weight: str) -> Callable:
    """Return a decorator for a command that makes one model of FIRST and SECOND.

    Args:
        weight: help of `--weight`.
    """
    return with_options(
        click.argument("first"),
        click.argument("second"),
        keras_file_option,
        click.option("--weight", default=0.5, type=click.FloatRange(0, 1), help=weight),
        force_option,
        json_option,
    )


def check_out(out: str, force: bool) -> None:
    """Raise an error if `out` is no model's name, or is there and was not meant to be replaced."""
    if not out.lower().endswith(".keras"):
        raise click.UsageError(f"--out must be a file that ends in .keras. Received: --out {out}")
    refuse_existing(out, force)


def refuse_existing(out: str, force: bool) -> None:
    """Raise `FileExistsError` if `out` is there and was not meant to be replaced."""
    if Path(out).exists() and not force:
        raise FileExistsError(
            f"--out must be a new file, unless --force is given. Received: {out}, which exists"
        )


def written(model, out: str, as_json: bool) -> None:
    """Write `model` to `out` atomically, and say what was written."""
    from keras_dldl._utils.files import atomic_path
    from keras_dldl.export import keep_light_copy

    with atomic_path(out) as temporary:
        model.save(temporary)
    keep_light_copy(out)
    facts = {"path": str(out), "backbone": model.backbone_name, "parameters": model.count_params()}
    if as_json:
        echo_json(facts)
    else:
        click.echo(f"written   {out}")
        click.echo(f"backbone  {model.backbone_name}, {facts['parameters']:,} parameters")
