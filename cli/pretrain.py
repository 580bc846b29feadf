"""`keras-dldl pretrain`: images of people become a backbone to start training from."""

import click

from keras_dldl.cli.options import json_option
from keras_dldl.cli.run_options import RunCommand, report_run, run_options
from keras_dldl.training.identities.config import PretrainConfig


@click.command(cls=RunCommand)
@click.option("--out", type=click.Path(), required=True, help="Run folder to write.")
@run_options(PretrainConfig)
@json_option
def command(config, out, resume, as_json):
    """Train a backbone to recognise people, as a start for `train --init`.

    Images are used whole: give aligned faces, such as `prepare` writes. Writes a run folder as
    `train` does. To continue after a stop, give --resume; the result is the same.
    """
    from keras_dldl.training.identities.pretrain import pretrain

    result = pretrain(config, out, resume=resume)
    error = result.best_metric
    shown = "none" if error is None else f"{100 * error:.2f} %"
    report_run(result, {"val_error": error}, "pairs told wrongly", shown, as_json)
