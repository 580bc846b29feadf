"""`keras-dldl train`: prepared data becomes a trained model and a run folder."""

import json

import click

from keras_dldl import configs
from keras_dldl.cli.options import Choice, json_option
from keras_dldl.methods import METHODS
from keras_dldl.training.config import OPTIMIZERS, PRECISIONS, TrainConfig

_DEFAULTS = TrainConfig()


def _option(flags: str, name: str, help: str, kind=None, **more):
    """Return an option for the setting `name`, which overrides the config file only if given."""
    default = getattr(_DEFAULTS, name)
    shown = "none" if default in (None, ()) else str(default)
    return click.option(flags, name, type=kind, default=None, show_default=shown, help=help, **more)


@click.command()
@click.option(
    "--data", type=click.Path(), multiple=True, show_default="as in the config",
    help="Folder that `prepare` wrote; may be repeated.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(), help="Run folder to write; needed unless --preview or --dry-run."
)
@click.option(
    "--config", "file", type=click.Path(), default=None, show_default="none",
    help="YAML file of settings, such as a run's config.yaml, or the name of a shipped one: "
    f"{', '.join(configs.names())}; options override it.",
)  # fmt: skip
@click.option("--resume", is_flag=True, show_default=True, help="Go on with the run in --out.")
@_option(
    "--model", "model", "Backbone: tiny-age-net, thin-age-net, nano-age-net, vgg16, or keras:NAME."
)
@_option("--weights", "weights", "For keras:NAME: imagenet, or a file of its weights.")
@_option("--pooling", "pooling", "hybrid, average or gem.")
@_option("--method", "method", f"Method: {', '.join(METHODS)}, or module:Class of your own.")
@_option("--init", "init", "Model to start from: file, run folder or shipped name.")
@click.option(
    "--teacher", "teacher", multiple=True, metavar="MODEL", show_default="none",
    help="Model to learn from besides the labels; may be repeated.",
)  # fmt: skip
@_option("--epochs", "epochs", "Times through the data.", int)
@_option("--batch-size", "batch_size", "Images a step.", int)
@_option("--accumulate", "accumulate", "Take each batch in so many parts, to save memory.", int)
@_option("--optimizer", "optimizer", "Update rule.", Choice(OPTIMIZERS))
@_option("--learning-rate", "learning_rate", "Highest learning rate.", float)
@_option(
    "--schedule",
    "schedule",
    "Learning rate over time.",
    Choice(["step", "cosine", "constant"]),
)
@_option("--ema", "ema", "Judge and save the average of the weights, of this decay.", float)
@_option(
    "--sampling", "sampling", "How often an image comes, by how many share its label.",
    Choice(["natural", "sqrt", "balanced", "effective"]),
)  # fmt: skip
@_option(
    "--image-weights", "image_weights", "CSV of path and weight: how much a training image counts.",
    click.Path(),
)  # fmt: skip
@click.option(
    "--freeze", "freeze", multiple=True, metavar="LAYERS", show_default="none",
    help="Layers that do not learn: backbone, stage1, a name or a pattern; may be repeated.",
)  # fmt: skip
@_option("--freeze-epochs", "freeze_epochs", "How long they do not; else for ever.", int)
@_option("--patience", "patience", "Stop after so many epochs without improvement.", int)
@click.option(
    "--tensorboard", is_flag=True, default=None, show_default="as in the config",
    help="Write tensorboard/ into the run folder.",
)  # fmt: skip
@click.option(
    "--input-size", type=int, default=None, show_default="the data's", help="Side in pixels."
)
@_option("--sigma", "sigma", "Width of the label distribution where the data bring none.", float)
@_option("--lambda", "expectation_weight", "Weight of the expectation term.", float)
@_option(
    "--variety", "variety",
    "Strength of all random changes of the training images together, 0 ... 1; 1: as varied as "
    "other people's photos.", float,
)  # fmt: skip
@_option("--seed", "seed", "Seed of weights, order and augmentation.", int)
@_option(
    "--on-damaged-shard", "on_damaged_shard", "Stop at damaged records, or leave them out.",
    Choice(["fail", "skip"]),
)  # fmt: skip
@_option("--devices", "devices", "GPUs that share each batch: auto (all), or how many.")
@click.option(
    "--coordinator", metavar="HOST:PORT", show_default="none",
    help="For several processes, on JAX: where process 0 is reached; see docs/backends.md.",
)  # fmt: skip
@click.option("--processes", type=int, show_default="1", help="How many processes train together.")
@click.option("--process", type=int, show_default="0", help="The number of this one, from 0.")
@_option("--precision", "precision", "Of the arithmetic.", Choice(PRECISIONS))
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", show_default="none",
    help="Any setting, such as augment.rotation=0 or method_options.norm=l2; may be repeated. "
    "Overrides the other options.",
)  # fmt: skip
@click.option(
    "--preview", type=click.Path(), default=None, show_default="none",
    help="Do not train; write a picture of the first faces, as stored and as augmented.",
)  # fmt: skip
@click.option(
    "--dry-run", is_flag=True, show_default=True,
    help="Do not train; say what would be done, and how much memory it needs.",
)  # fmt: skip
@json_option
def command(
    out, file, resume, assignments, preview, dry_run, as_json, data, freeze, teacher,
    coordinator, processes, process, **named,
):  # fmt: skip
    """Train a model on prepared data.

    Writes a run folder: config.yaml, history.csv, model.keras (the best on the validation split),
    checkpoint/ and curves.png. A stopped run goes on with --resume, to the same result.
    """
    from keras_dldl.training.config import choose_config, parse_assignments

    if out is None and (resume or not (preview or dry_run)):
        raise click.UsageError("--out is needed: the run folder.")
    changes = {name: value for name, value in named.items() if value is not None}
    lists = {"data": data, "freeze": freeze, "teacher": teacher}
    changes |= {name: list(values) for name, values in lists.items() if values}
    changes |= parse_assignments(assignments)
    config = choose_config(out or "", file=file, changes=changes, resume=resume)
    if preview is not None:
        _preview(config, preview, as_json)
    if preview is not None and not dry_run:
        return

    from keras_dldl.training.team import team_of
    from keras_dldl.training.trainer import train

    team = team_of(coordinator, processes, process)
    if dry_run:
        return _plan(config, team, as_json)
    _report(train(config, out, resume=resume, team=team), as_json)


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
            "epochs": len(result.rows),
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
    click.echo(f"{result.best_epoch:>10}  {len(result.rows):>6}  {mae:>8}  {result.model}")
