"""`keras-dldl split`: prepared data with another split; its options, which `prepare` has too."""

from collections.abc import Callable
from pathlib import Path

import click
from click.core import ParameterSource

from keras_dldl.cli.options import Choice, echo_json, json_option, out_option, with_options

KINDS = {
    "official": "the data set's own split, or drawn if it has none",
    "official-test": "its own test rows, validation drawn from the others",
    "drawn": "all drawn, by subject",
}


def split_options(default: str) -> Callable:
    """Return a decorator that gives a command the options of `SplitOptions`."""
    return with_options(
        click.option(
            "--split",
            type=Choice(list(KINDS)),
            default=default,
            help="; ".join(f"{name}: {meaning}" for name, meaning in KINDS.items()) + ".",
        ),
        click.option("--val", default=0.1, help="Share of rows for validation."),
        click.option("--test", default=0.1, help="Share of rows for testing."),
        click.option(
            "--folds", type=int, metavar="K", help="Draw K folds of equal size, by subject."
        ),
        click.option(
            "--fold",
            metavar="N",
            help="Fold to test on: 1 to K with --folds, else one of the data set's own.",
        ),
        click.option("--leave-out", metavar="SUBJECT", help="Test on this person only."),
        click.option("--seed", default=0, help="Random seed."),
    )


def is_given(ctx: click.Context, name: str) -> bool:
    """Tell whether the user gave the option, rather than its default."""
    given = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    return ctx.get_parameter_source(name) in given


def check_split_usage(ctx: click.Context) -> None:
    """Refuse options that have no effect beside others that were given."""
    chosen = [name for name in ("folds", "leave_out") if is_given(ctx, name)]
    without_effect = [name for name in ("split", "test") if is_given(ctx, name)]
    if chosen and without_effect:
        first, second = (f"--{names[0].replace('_', '-')}" for names in (chosen, without_effect))
        raise click.UsageError(
            f"{first} says which rows are for testing; leave out {second}. Received: both"
        )


@click.command()
@click.argument("data", type=click.Path())
@out_option
@split_options(default="drawn")
@json_option
@click.pass_context
def command(ctx, data, out, as_json, **options):
    """Split prepared data again, without finding and aligning the faces again.

    DATA is a folder that prepare or split wrote. The new folder refers to the faces in DATA and
    does not copy them. To leave out one of K people, give --folds K --fold N.
    """
    check_split_usage(ctx)
    from keras_dldl.data.splits.protocol import SplitOptions
    from keras_dldl.data.splits.resplit import resplit

    counts = resplit(data, out, SplitOptions(**options))
    place = Path(out).resolve()
    if as_json:
        echo_json({"out": str(place), "counts": counts})
        return
    for split, count in counts.items():
        click.echo(f"{split:<8}{count:>8} faces")
    click.echo(f"written  {place}")
