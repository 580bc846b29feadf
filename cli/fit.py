"""`keras-dldl fit`: photos and a table of labels become a trained, measured model."""

import json
import shlex
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path

import click

from keras_dldl.cli.options import Choice, echo_json, json_option
from keras_dldl.labels import GRIDS
from keras_dldl.saved_models import DEFAULT_MODELS, find_model

# For hundreds or thousands of photos, starting from a trained model.
SETTINGS = ("--batch-size", "32", "--learning-rate", "0.0003", "--schedule", "cosine")
RANDOM = "random"


@click.command()
@click.argument("photos", type=click.Path())
@click.argument("labels", type=click.Path())
@click.option("--out", required=True, type=click.Path(), help="Folder to write, or to continue in.")
@click.option(
    "--grid",
    type=Choice(list(GRIDS)),
    show_default="age, or scut-fbp if all labels lie in 1 ... 5",
    help="Scale of the labels: age in years, or ratings from 1 to 5 (scut-fbp) or 1 to 7 (cfd).",
)
@click.option(
    "--init",
    metavar="MODEL",
    show_default="the shipped model of the task",
    help="Model to start from: a file, run folder, shipped model's name or hf://user/name; "
    f"{RANDOM}: none.",
)
@click.option(
    "--epochs", default=8, type=click.IntRange(1), help="Passes over the training photos."
)
@click.option(
    "--size",
    default=112,
    type=click.IntRange(32, 1024),
    help="Side of the aligned faces, in pixels.",
)
@json_option
@click.pass_context
def command(ctx, photos, labels, out, grid, init, epochs, size, as_json):
    """Train a model on your photos: prepare, train, calibrate and evaluate in one command.

    PHOTOS is a folder. LABELS is a table (CSV or .xlsx) with the columns path, relative to PHOTOS,
    and label. Writes OUT/data, OUT/run and OUT/report, and prints each command it runs. To continue
    after a stop, run it again.
    """
    out = Path(out)
    data, run, report = (str(out / name) for name in ("data", "run", "report"))
    steps = []

    def step(name, *arguments):
        arguments = [str(argument) for argument in arguments]
        steps.append(shlex.join(["keras-dldl", name, *arguments]))
        click.echo(f"\n[{len(steps)}] {steps[-1]}", err=True)
        of = ctx.find_root().command.get_command(ctx, name)
        try:
            with of.make_context(name, arguments, parent=ctx) as inner:
                of.invoke(inner)
        except KeyboardInterrupt:
            # A step may have named the command that continues itself alone.
            click.echo("To continue with all steps, run the same `fit` command again.", err=True)
            raise

    grid = grid or _grid_of(labels)
    init = init or DEFAULT_MODELS[GRIDS[grid]().task]
    if init != RANDOM:
        find_model(init)  # a wrong name must fail before the photos are prepared
    # stdout must hold one document only.
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        step("prepare", "csv", "--csv", labels, "--root", photos, "--out", data,
             "--grid", grid, "--size", size)  # fmt: skip
        _check_measurable(data)
        start, comparable = ((), False) if init == RANDOM else _start(init, size, grid)
        resume = ("--resume",) if (Path(run) / "config.yaml").exists() else ()
        step("train", "--data", data, "--out", run, *start, "--epochs", epochs, *SETTINGS, *resume)
        if _can_calibrate(data, run):
            step("calibrate", "--model", run, "--data", data, "--in-place")
        against = ("--against", init) if comparable else ()
        step("evaluate", "--model", run, "--data", data, "--out", report, *against)
    _show(steps, run, report, init, grid, as_json)


def _grid_of(labels):
    """Return "scut-fbp" if there are labels that could be ages, all in 1 ... 5, or else "age"."""
    from keras_dldl.data.annotations.reading import numbers_in
    from keras_dldl.data.manifest import read_table

    numbers = numbers_in(read_table(labels)["label"])
    age, ratings = GRIDS["age"](), GRIDS["scut-fbp"]()
    ages = numbers[numbers.between(age.start, age.stop)]
    ratings_alone = len(ages) and ages.between(ratings.start, ratings.stop).all()
    return "scut-fbp" if ratings_alone else "age"


def _check_measurable(data):
    """Raise a DataError, before any training, where no photo is left to measure the model on."""
    from keras_dldl.data.prepared import PreparedData
    from keras_dldl.errors import DataError

    found = PreparedData(data)
    if not {"val", "test"} & set(found.splits):
        raise DataError(
            "Some photos must be left to measure the model on. Without a column `split` each is "
            "drawn for that with a chance of 1 in 5. Give more photos, some 30 at least, or say by "
            "that column which are train, val and test, and a new --out. "
            f"Received: {len(found.rows('train'))} photos, all for training"
        )


def _start(init, size, grid):
    """Return the options of `train` that start from a model, and whether to compare with it.

    The network is one that takes all of its weights. Values can be compared if the labels agree.
    """
    from keras_dldl.models import load_start
    from keras_dldl.training.config import TrainConfig

    model, options = load_start(init), ["--init", init]
    if model.backbone_name != TrainConfig.model:
        options += ["--model", model.backbone_name]
    if getattr(model, "pooling", None):
        options += ["--pooling", model.pooling]
    if model.input_size < size:  # smaller faces are what it has learnt from
        options += ["--input-size", model.input_size]
    theirs, ours = getattr(model, "grid", None), GRIDS[grid]()  # a backbone alone has none
    same = theirs and (theirs.task, theirs.start, theirs.stop) == (ours.task, ours.start, ours.stop)
    return options, same


def _can_calibrate(data, run):
    from keras_dldl.calibration.calibration import MIN_FACES
    from keras_dldl.data.prepared import PreparedData
    from keras_dldl.models import load_model

    found = PreparedData(data)
    faces = len(found.rows("val")) if "val" in found.splits else 0
    if faces < MIN_FACES:
        # Where no epoch was better, the model is the start model, as it was calibrated.
        again = " again" if load_model(run).calibration else ""
        click.echo(
            f"\nNot calibrated{again}: it takes {MIN_FACES} validation faces, and there are "
            f"{faces}.",
            err=True,
        )
    return faces >= MIN_FACES


def _verdict(metrics, init, unit):
    """Return the model's error, that of the start model, and whether the difference is shown."""
    from keras_dldl._utils.text_tables import counted
    from keras_dldl.evaluation.against import is_shown
    from keras_dldl.evaluation.tables import decimals_in_words

    found, places = metrics["against"], decimals_in_words(unit)
    ours, theirs = (f"{error:.{places}f}" for error in (metrics["mae"], found["mae"]))
    faces = counted(metrics["n"], "face")
    errors = f"On {faces} it is off by {ours} {unit} on average, {init} by {theirs}."
    if not is_shown(found):
        more = "More photos help most, test photos too."
        return f"{errors}\nNot shown to be better than {init}. {more}"
    better = "better" if found["mae_difference"] < 0 else "worse"
    return f"{errors}\nShown to be {better} than {init}, on faces like these."


def _show(steps, run, report, init, grid, as_json):
    from keras_dldl.evaluation.training_run import training_run

    metrics = json.loads((Path(report) / "metrics.json").read_text(encoding="utf-8"))
    model, page = str(Path(run) / "model.keras"), str(Path(report) / "report.html")
    if as_json:
        made = {"model": model, "report": page, "commands": steps, "metrics": metrics}
        echo_json(made)
        return
    click.echo(f"\nmodel   {model}\nreport  {page}\ncurves  {Path(run) / 'curves.png'}\n")
    trained = training_run(Path(model), GRIDS[grid]().unit)
    if trained:
        click.echo(trained.kept)
    if "against" in metrics:
        click.echo(_verdict(metrics, init, GRIDS[grid]().unit))
    click.echo(
        "Next: open the report, look at the largest errors, and try the model on other photos:\n"
        f"  keras-dldl predict PHOTO --model {shlex.quote(run)}\n"
        f"  keras-dldl serve --model {shlex.quote(run)} --open\n"
        f'or, in Python, keras_dldl.predict_{metrics["task"]}("photo.jpg", model={run!r})'
    )
