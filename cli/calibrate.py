"""`keras-dldl calibrate`: intervals that hold the share they claim."""

import click

from keras_dldl.cli.options import (
    DATA,
    KERAS_MODEL,
    SPLITS,
    Choice,
    batch_option,
    echo_json,
    echo_written,
    json_option,
)


@click.command()
@click.option("--model", required=True, help=KERAS_MODEL)
@click.option("--data", "folders", required=True, **DATA)
@click.option(
    "--split",
    type=Choice(SPLITS),
    default="val",
    help="Faces to calibrate on; training must not have seen them.",
)
@click.option("--out", type=click.Path(), show_default="none", help="The .keras file to write.")
@click.option("--in-place", is_flag=True, help="Replace the model's own file, instead of --out.")
@click.option(
    "--level",
    default=0.9,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Level of the intervals in the table shown; all levels are calibrated.",
)
@click.option(
    "--folds",
    default=10,
    type=click.IntRange(2),
    help="Folds of the cross-validation that measures the intervals.",
)
@batch_option
@json_option
def command(model, folders, split, out, in_place, as_json, **options):
    """Calibrate a model's intervals on labelled faces, so that 90 % intervals hold 90 % of faces.

    Writes a model file with the same weights and values. Shows how often the intervals hold the
    label and how wide they are, before and after, overall and by label, cross-validated. With 200
    faces or more, intervals hold their share at every label. With 30 to 199, they have one width
    for all labels; the range of shares that they may hold is shown.
    """
    if bool(out) == in_place:
        received = "both" if out else "neither"
        raise click.UsageError(f"Give either --out or --in-place. Received: {received}")
    if out and not out.lower().endswith(".keras"):
        raise click.UsageError(f"--out must be a file that ends in .keras. Received: --out {out}")
    from pathlib import Path

    from keras_dldl._utils.files import check_writable
    from keras_dldl.evaluation import PreparedFaces, calibrate
    from keras_dldl.export import keep_light_copy

    place = _own_file(model) if in_place else Path(out)
    check_writable(place.parent)  # now, and not when minutes of work are lost by it
    result = calibrate(model, PreparedFaces(*folders, split=split), **options)
    _show(result, as_json)
    result.save(place)
    keep_light_copy(place)
    if not as_json:
        echo_written([place])


def _own_file(model):
    """Return the file that --in-place replaces."""
    from keras_dldl.saved_models import HUB, ROOT, find_model

    found = None if model.startswith(HUB) else find_model(model)
    if found is None or ROOT in found.resolve().parents:
        raise click.UsageError(
            "--in-place is for files of your own: shipped models, and those on the hub, stay as "
            f"they are. Give --out. Received: --model {model}"
        )
    return found


def _show(result, as_json):
    for remark in result.remarks:
        click.echo(f"Note: {remark}", err=True)
    if as_json:
        echo_json(result.to_dict())
        return
    unit = result.calibration.grid.unit
    click.echo(f"{100 * result.level:g} % intervals, width in {unit}, {result.folds} folds")
    click.echo(f"{'labels':>8} {'faces':>6} {'held':>9} {'width':>7} {'before':>9} {'width':>7}")
    for row in result.coverage:
        click.echo(
            f"{row['labels']:>8} {row['n']:>6} {row['coverage_after']:>7.1f} % "
            f"{row['width_after']:>7.2f} {row['coverage_before']:>7.1f} % "
            f"{row['width_before']:>7.2f}"
        )
    if not result.by_label:
        faces = result.calibration.faces
        low, high = (f"{100 * end:.0f}" for end in result.coverage_range)
        click.echo(
            f"{faces} faces give one width for all labels (200 give one per label): "
            f"{100 * result.level:g} % intervals hold {low} to {high} % of new faces, 95 % certain"
        )
