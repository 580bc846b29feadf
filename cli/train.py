"""`keras-dldl train`: prepared data becomes a trained model and a run folder."""

import json

import click

from keras_dldl.cli.options import json_option
from keras_dldl.cli.run_options import RunCommand, run_options
from keras_dldl.training.config import TrainConfig


@click.command(cls=RunCommand)
@click.option(
    "--out", type=click.Path(), help="Run folder to write; needed unless --preview or --dry-run."
)
@click.option(
    "--preview", type=click.Path(), show_default="none",
    help="Do not train; write a picture of the first faces, as stored and as augmented.",
)  # fmt: skip
@click.option(
    "--dry-run",
    is_flag=True,
    help="Do not train; say what would be done, and how much memory it needs.",
)
@click.option(
    "--coordinator", metavar="HOST:PORT", show_default="none",
    help="For several processes, on JAX: where process 0 is reached; see docs/backends.md.",
)  # fmt: skip
@click.option("--processes", type=int, show_default="1", help="How many processes train together.")
@click.option("--process", type=int, show_default="0", help="The number of this one, from 0.")
@run_options(TrainConfig)
@json_option
def command(config, out, resume, preview, dry_run, as_json, coordinator, processes, process):
    """Train a model on prepared data.

    Writes a run folder: config.yaml, history.csv, model.keras (the best on the validation split),
    checkpoint/ and curves.png. A stopped run continues with --resume, to the same result.
    """
    if out is None and (resume or not (preview or dry_run)):
        raise click.UsageError("--out is needed: the run folder.")
    if preview is not None:
        _preview(config, preview, as_json)
    if preview is not None and not dry_run:
        return

    from keras_dldl.training.team import team_of
    from keras_dldl.training.trainer import train

    team = team_of(coordinator, processes, process)
    if dry_run:
        return _plan(config, team, as_json)
    result = train(config, out, resume=resume, team=team)
    if not process:  # of several processes, the first has the run folder
        from keras_dldl.export import keep_light_copy

        keep_light_copy(result.model)
    _report(result, as_json)


def _preview(config, path, as_json):
    from keras_dldl.training.preview import write_preview

    faces = write_preview(config, path)
    if as_json:
        click.echo(json.dumps({"preview": str(path), "faces": faces}, indent=2))
    else:
        click.echo(f"{faces} faces, as stored and as augmented: {path}")


def _plan(config, team, as_json):
    from keras_dldl.training.plan import describe, make_plan

    plan = make_plan(config, team)
    click.echo(json.dumps(plan.as_json(), indent=2) if as_json else describe(plan))


def _report(result, as_json):
    if as_json:
        content = {
            "out": str(result.out),
            "model": str(result.model),
            "epochs": result.epochs,
            "best_epoch": result.best_epoch,
            "val_mae": result.best_val_mae,
            "already_finished": result.already_finished,
            "stopped_early": result.stopped_early,
        }
        click.echo(json.dumps(content, indent=2))
        return
    if result.already_finished:
        click.echo("This run was finished before; nothing was done.")
    if result.stopped_early:
        click.echo("Stopped early: no improvement for as long as --patience allows.")
    mae = "none" if result.best_val_mae is None else f"{result.best_val_mae:.3f}"
    click.echo(f"{'best epoch':>10}  {'epochs':>6}  {'val MAE':>8}  model")
    click.echo(f"{result.best_epoch:>10}  {result.epochs:>6}  {mae:>8}  {result.model}")
