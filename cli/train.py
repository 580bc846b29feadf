"""`keras-dldl train`: prepared data becomes a trained model and a run folder."""

import click

from keras_dldl.cli.options import echo_json, json_option
from keras_dldl.cli.run_options import RunCommand, report_run, run_options
from keras_dldl.training.config import TrainConfig


@click.command(cls=RunCommand)
@click.option(
    "--out", type=click.Path(), help="Run folder to write; not needed with --preview or --dry-run."
)
@click.option(
    "--preview",
    type=click.Path(),
    show_default="none",
    help="Draw the first faces, as stored and as augmented, into this file; do not train.",
)
@click.option(
    "--dry-run", is_flag=True, help="Show what would be done and the memory needed; do not train."
)
@click.option(
    "--coordinator",
    metavar="HOST:PORT",
    show_default="none",
    help="For several processes, on JAX: address of process 0; see docs/backends.md.",
)
@click.option(
    "--processes", type=int, show_default="1", help="Number of processes that train together."
)
@click.option("--process", type=int, show_default="0", help="Number of this process, from 0.")
@run_options(TrainConfig)
@json_option
def command(config, out, resume, preview, dry_run, as_json, coordinator, processes, process):
    """Train a model on prepared data.

    Writes a run folder: model.keras (the best epoch on the validation split), config.yaml,
    history.csv, curves.png and checkpoint/. To continue after a stop, give --resume; the result is
    the same.
    """
    if out is None and (resume or not (preview or dry_run)):
        raise click.UsageError("--out is needed: the run folder. Received: no --out")
    if preview is not None:
        _preview(config, preview, as_json)
    if preview is not None and not dry_run:
        return

    from keras_dldl.training.team import team_of
    from keras_dldl.training.trainer import train

    team = team_of(coordinator, processes, process)
    if dry_run:
        from keras_dldl.training.plan import describe, make_plan

        plan = make_plan(config, team)
        echo_json(plan.as_json()) if as_json else click.echo(describe(plan))
        return
    result = train(config, out, resume=resume, team=team)
    if not process:  # of several processes, the first has the run folder
        from keras_dldl.export import keep_light_copy

        keep_light_copy(result.model)
    mae = result.best_val_mae
    found = {"val_mae": mae, "stopped_early": result.stopped_early}
    report_run(result, found, "val MAE", "none" if mae is None else f"{mae:.3f}", as_json)


def _preview(config, path, as_json):
    from keras_dldl.training.preview import write_preview

    faces = write_preview(config, path)
    if as_json:
        echo_json({"preview": str(path), "faces": faces})
    else:
        click.echo(f"{faces} faces, as stored and as augmented: {path}")
