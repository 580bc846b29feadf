"""`keras-dldl compare`: methods, backbones and settings side by side."""

import click

from keras_dldl.cli.options import Choice, echo_json, json_option
from keras_dldl.errors import TrainingError


@click.command()
@click.option(
    "--data",
    type=click.Path(),
    multiple=True,
    show_default="as in the plan",
    help="Folder of prepared data; may be repeated.",
)
@click.option("--out", type=click.Path(), required=True, help="Folder to write, or to continue in.")
@click.option(
    "--plan",
    "file",
    type=click.Path(),
    show_default="none",
    help="YAML file of what to compare, or a shipped plan: leave-one-out. Options override it.",
)
@click.option(
    "--methods",
    metavar="A,B,C",
    help="Methods to compare, separated by commas.  [default: as in the plan]",
)
@click.option(
    "--models",
    metavar="A,B",
    help="Backbones to compare, separated by commas.  [default: as in the plan]",
)
@click.option(
    "--grid",
    "axes",
    multiple=True,
    metavar="KEY=V1,V2",
    show_default="none",
    help="Values of another setting to compare, in every combination; may be repeated.",
)
@click.option(
    "--epochs", type=click.IntRange(1), help="Epochs of every training, as --set epochs=N."
)
@click.option(
    "--seeds", type=click.IntRange(1), help="Number of seeds per combination.  [default: 1]"
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    show_default="none",
    help="A setting for all trainings, as in `train`; may be repeated.",
)
@click.option(
    "--run",
    "runs",
    multiple=True,
    metavar="NAME=DIR",
    show_default="none",
    help="Existing run folder, trained on the same data; repeat NAME for more seeds of it.",
)
@click.option(
    "--baseline", help="Method or combination to compare the others with.  [default: dldl-v2]"
)
@click.option("--split", type=Choice(["test", "val"]), help="Faces to measure on.  [default: test]")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show what would be trained and how long it would take; do not train.",
)
@click.option("--report-only", is_flag=True, help="Do not train; compare what is finished.")
@click.option("--retry-failed", is_flag=True, help="Train failed combinations again.")
@json_option
def command(out, file, epochs, assignments, dry_run, report_only, retry_failed, as_json, **options):
    """Train methods, backbones or settings on the same faces, and say how certain differences are.

    Every combination and seed gets a run folder in OUT/cells. To continue after a stop, give the
    same command again. Writes comparison.html, comparison.json, table.md, table.csv, comparison.png
    and, if a numeric setting varies, sensitivity.png. If a training fails, the others continue; the
    exit status is then 1.

    `--plan leave-one-out` leaves each data set out of training in turn and measures on it: how well
    a model does on photos of another kind.
    """
    from keras_dldl.comparison import Plan, compare, forecast
    from keras_dldl.comparison.plan import plan_values

    if epochs is not None:
        assignments = (*assignments, f"epochs={epochs}")
    plan = Plan.from_dict(plan_values(file, assignments=assignments, **options))
    if dry_run:
        _show_forecast(forecast(plan, out), as_json)
        return
    result = compare(plan, out, report_only=report_only, retry_failed=retry_failed)
    _show(result, as_json)
    if result.failed:
        first = result.failed[0]
        raise TrainingError(
            "Every cell should be trained; the table is written without those that failed, and "
            f"--retry-failed tries them again. Received: {len(result.failed)} failed; the first, "
            f"{first.variant}, seed {first.seed}: {first.error}"
        )


def _show(result, as_json):
    from keras_dldl._utils.text_tables import aligned
    from keras_dldl.comparison.leave_one_out import table
    from keras_dldl.comparison.tables import text_report

    if as_json:
        echo_json(result.content)
        return
    each = "left_out" in result.content
    click.echo("\n".join(aligned(table(result.content))) if each else text_report(result.content))
    click.echo(f"written {result.out}")


def _show_forecast(found, as_json):
    from keras_dldl.comparison.estimate import time_in_words

    if as_json:
        cells = [{"variant": c.variant, "seed": c.seed, "state": state} for c, state in found.cells]
        echo_json({"cells": cells, "seconds": found.seconds})
        return
    for cell, state in found.cells:
        click.echo(f"{cell.title}: {state}")
    click.echo(f"{len(found.cells)} cells, about {time_in_words(found.seconds)} to go")
