"""`keras-dldl import-torch7`: a network of the reference program as a model of this package."""

import click

from keras_dldl.cli.new_model import force_option, keras_file_option, refuse_existing
from keras_dldl.cli.options import echo_json, json_option


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@keras_file_option
@click.option(
    "--grid", help="Label grid, if the file does not tell: age, scut-fbp, cfd, or START:STOP:STEP."
)
@click.option("--task", default="age", help="What the labels of START:STOP:STEP measure.")
@click.option("--method", help="Method it was trained by.  [default: read from the last layers]")
@click.option(
    "--input-size",
    type=click.IntRange(32, 1024),
    default=224,
    help="Side of the input images, in pixels.",
)
@click.option(
    "--margin", type=float, help="Border around the face, as a share of its side.  [default: 0.16]"
)
@click.option("--backbone-only", is_flag=True, help="Import without the head.")
@force_option
@json_option
def command(file, out, grid, task, method, input_size, margin, backbone_only, force, as_json):
    """Import FILE, a Torch7 network of the DLDL-v2 authors, as a model.

    Networks for ages or ratings work at once in predict, evaluate and export. Networks that
    recognise people, or have no head, are a start for `train --init`. Nothing in the file is
    executed.
    """
    from keras_dldl.importing import import_torch7

    refuse_existing(out, force)
    found = import_torch7(
        file,
        out,
        grid=_grid(grid, task),
        method=method,
        input_size=input_size,
        margin=margin,
        backbone_only=backbone_only,
    )
    _report(found, out, as_json)


def _report(found, out, as_json):
    model = found.model
    facts = {
        "path": str(out),
        "backbone": model.backbone_name,
        "parameters": model.count_params(),
        "input_size": model.input_size,
        "head": found.has_head,
        "method": model.method.name if found.has_head else None,
        "grid": model.grid.get_config() if found.has_head else None,
    }
    if as_json:
        echo_json(facts)
        return
    size = model.input_size
    click.echo(f"written   {out}")
    click.echo(
        f"backbone  {facts['backbone']}, {facts['parameters']:,} parameters, {size} x {size}"
    )
    if found.has_head:
        grid = model.grid
        click.echo(f"method    {facts['method']}")
        click.echo(f"labels    {grid.start:g} ... {grid.stop:g} {grid.unit}, step {grid.step:g}")
    else:
        click.echo(f"head      untrained: use it by `keras-dldl train --init {out}`")


def _grid(text, task):
    from keras_dldl.labels import GRIDS, LabelGrid, grid_named

    if text is None:
        return None
    if text in GRIDS:
        return grid_named(text)
    try:
        start, stop, step = (float(part) for part in text.split(":"))
    except ValueError:
        raise click.BadParameter(
            f"it must be one of {', '.join(GRIDS)}, or START:STOP:STEP. Received: {text!r}",
            param_hint="--grid",
        ) from None
    return LabelGrid(start, stop, step, task)
