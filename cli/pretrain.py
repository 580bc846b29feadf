"""`keras-dldl pretrain`: images of people become a backbone to start training from."""

import json

import click

from keras_dldl.cli.options import json_option
from keras_dldl.cli.run_options import RunCommand, run_options
from keras_dldl.training.identities.config import PretrainConfig


@click.command(cls=RunCommand)
@click.option("--out", type=click.Path(), required=True, help="Run folder to write.")
@run_options(PretrainConfig)
@json_option
def command(config, out, resume, as_json):
    """Train a backbone to tell people apart, to start `train --init` from.

    Images are used whole: give aligned faces, such as `prepare` writes. Writes a run folder
    as `train` does; a stopped run continues with --resume, to the same result.
    """
    from keras_dldl.training.identities.pretrain import pretrain

    _report(pretrain(config, out, resume=resume), as_json)


def _report(result, as_json):
    error = result.best_metric
    if as_json:
        content = {
            "out": str(result.out),
            "model": str(result.model),
            "epochs": result.epochs,
            "best_epoch": result.best_epoch,
            "val_error": error,
            "already_finished": result.already_finished,
        }
        click.echo(json.dumps(content, indent=2))
        return
    if result.already_finished:
        click.echo("This run was finished before; nothing was done.")
    shown = "none" if error is None else f"{100 * error:.2f} %"
    click.echo(f"{'best epoch':>10}  {'epochs':>6}  {'pairs told wrongly':>18}  model")
    click.echo(f"{result.best_epoch:>10}  {result.epochs:>6}  {shown:>18}  {result.model}")
