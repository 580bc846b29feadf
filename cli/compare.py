"""`keras-dldl compare`: methods, backbones and settings side by side."""

import json

import click

from keras_dldl.cli.options import json_option


@click.command()
@click.option(
    "--data", type=click.Path(), multiple=True, show_default="as in the plan",
    help="Folder that `prepare` wrote; may be repeated.",
)  # fmt: skip
@click.option("--out", type=click.Path(), required=True, help="Folder to write, or to go on in.")
@click.option(
    "--plan", "file", type=click.Path(), show_default="none",
    help="YAML file of what to compare; options override it. See docs/comparison.md.",
)  # fmt: skip
@click.option("--methods", metavar="A,B,C", help="Methods to compare.  [default: as in the plan]")
@click.option("--models", metavar="A,B", help="Backbones to compare.  [default: one]")
@click.option(
    "--grid", "axes", multiple=True, metavar="KEY=V1,V2", show_default="none",
    help="Values of any other setting to compare, in every combination; may be repeated.",
)  # fmt: skip
@click.option("--seeds", type=click.IntRange(1), help="Seeds a variant.  [default: 1]")
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", show_default="none",
    help="A setting that all share, as for `train`; may be repeated.",
)  # fmt: skip
@click.option(
    "--run", "runs", multiple=True, metavar="NAME=DIR", show_default="none",
    help="A run made before, on the same data; a name repeated means more seeds of it.",
)  # fmt: skip
@click.option("--baseline", help="Variant the others are compared with.  [default: dldl-v2]")
@click.option(
    "--split", type=click.Choice(["test", "val"]), help="Faces predicted. [default: test]"
)
@click.option("--report-only", is_flag=True, help="Train nothing; compare what is finished.")
@click.option("--retry-failed", is_flag=True, help="Train cells that failed before once more.")
@json_option
def command(out, file, report_only, retry_failed, as_json, **options):
    """Train methods, backbones and settings alike, measure them on the same faces, compare them.

    Every combination and seed is a run folder of its own in OUT/cells. A stopped comparison goes on
    when the command is given again; what is finished is read.
    """
    from keras_dldl.comparison import Plan, compare
    from keras_dldl.comparison.given_options import plan_values

    plan = Plan.from_dict(plan_values(file, **options))
    result = compare(plan, out, report_only=report_only, retry_failed=retry_failed)
    click.echo(json.dumps(result.content, indent=2))
