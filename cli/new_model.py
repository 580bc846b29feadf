"""What commands share that write a new model file."""

import json
from pathlib import Path

import click

force_option = click.option("--force", is_flag=True, help="Replace the file OUT.")


def refuse_existing(out: str, force: bool) -> None:
    """Raise `FileExistsError` if `out` is there and was not meant to be replaced."""
    if Path(out).exists() and not force:
        raise FileExistsError(f"{out} exists. Give another --out, or --force")


def written(model, out: str, as_json: bool) -> None:
    """Write `model` to `out`, whole or not at all, and say what was written."""
    from keras_dldl.export import keep_light_copy
    from keras_dldl.files import atomic_path

    with atomic_path(out) as temporary:
        model.save(temporary)
    keep_light_copy(out)
    facts = {"path": str(out), "backbone": model.backbone_name, "parameters": model.count_params()}
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        click.echo(f"written   {out}")
        click.echo(f"backbone  {model.backbone_name}, {facts['parameters']:,} parameters")
