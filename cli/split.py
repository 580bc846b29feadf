"""`keras-dldl split`: prepared data with another split, without aligning the faces again."""

from pathlib import Path

import click

from keras_dldl.cli.options import echo_json, json_option
from keras_dldl.cli.splitting import check_split_usage, split_options


@click.command()
@click.argument("data", type=click.Path())
@click.option("--out", type=click.Path(), required=True, help="Folder to write.")
@split_options(default="drawn")
@json_option
@click.pass_context
def command(ctx, data, out, as_json, **options):
    """Split prepared data again, without finding and aligning the faces again.

    DATA is a folder that prepare or split wrote. The folder written has rows of the same faces,
    which stay in DATA and are not copied. With K persons, --folds K --fold N leaves out one of them
    for each N.
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
