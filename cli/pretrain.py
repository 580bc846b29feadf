"""`keras-dldl pretrain`: images of people become a backbone to start training from."""

import json

import click

from keras_dldl.cli.options import json_option


@click.command()
@click.option("--root", type=click.Path(), help="Folder with a folder a person.")
@click.option(
    "--manifest", type=click.Path(),
    help="CSV file with the columns path and subject; paths begin at --root, or beside it.",
)  # fmt: skip
@click.option(
    "--data", type=click.Path(), multiple=True,
    help="Folder that `prepare` wrote, with a column subject; may be repeated.",
)  # fmt: skip
@click.option("--out", type=click.Path(), required=True, help="Run folder to write.")
@click.option(
    "--config", "file", type=click.Path(), default=None, show_default="none",
    help="YAML file of settings, or the name of a shipped one; options override it.",
)  # fmt: skip
@click.option("--resume", is_flag=True, show_default=True, help="Go on with the run in --out.")
@click.option("--model", show_default="tiny-age-net", help="Backbone, or keras:NAME.")
@click.option("--pooling", show_default="the backbone's", help="hybrid, average or gem.")
@click.option("--weights", help="For keras:NAME: imagenet, or a file of its weights.")
@click.option("--init", help="Model to start from: file, run folder or shipped name.")
@click.option("--loss", show_default="softmax", help="softmax, cosine or arc.")
@click.option(
    "--share", type=float, show_default="all of up to 10,000",
    help="Share of the class centres that a step looks at.",
)  # fmt: skip
@click.option("--min-images", type=int, show_default="2", help="People with fewer are left out.")
@click.option("--epochs", type=int, show_default="60", help="Times through the data.")
@click.option("--batch-size", type=int, show_default="128", help="Images a step.")
@click.option("--learning-rate", type=float, show_default="0.001", help="Highest learning rate.")
@click.option("--input-size", type=int, show_default="the data's, or 112", help="Side in pixels.")
@click.option("--seed", type=int, show_default="0", help="Seed of weights, order, augmentation.")
@click.option("--precision", show_default="float32", help="Of the arithmetic.")
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", show_default="none",
    help="Any setting, such as margin=0.3; may be repeated. Overrides the other options.",
)  # fmt: skip
@json_option
def command(out, file, resume, assignments, as_json, data, **named):
    """Train a backbone to tell people apart, to start `train --init` from.

    Images are used whole: give faces cut out alike, such as `prepare` writes. Writes a run folder
    as `train` does; a stopped run goes on with --resume, to the same result.
    """
    from keras_dldl.training.config import choose_config, parse_assignments
    from keras_dldl.training.identities.config import PretrainConfig

    changes = {name: value for name, value in named.items() if value is not None}
    if data:
        changes["data"] = list(data)
    changes |= parse_assignments(assignments)
    config = choose_config(out, file=file, changes=changes, resume=resume, kind=PretrainConfig)

    from keras_dldl.training.identities.pretrain import pretrain

    _report(pretrain(config, out, resume=resume), as_json)


def _report(result, as_json):
    error = result.best_metric
    if as_json:
        content = {
            "out": str(result.out),
            "model": str(result.model),
            "epochs": len(result.rows),
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
    click.echo(f"{result.best_epoch:>10}  {len(result.rows):>6}  {shown:>18}  {result.model}")
