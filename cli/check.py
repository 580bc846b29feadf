"""`keras-dldl check`: a leak check of prepared data."""

import click

from keras_dldl.cli.options import echo_json, echo_written, json_option

EXIT_LEAKS = 1


@click.command()
@click.argument("folders", metavar="DATA...", nargs=-1, required=True, type=click.Path())
@click.option("--out", required=True, type=click.Path(), help="Folder to write.")
@click.option(
    "--similarity",
    type=float,
    show_default="0.88, more for drawn faces",
    help="Similarity from which two pictures count as one, up to 1.",
)
@click.option(
    "--label-tolerance",
    type=float,
    show_default="one step of the label grid",
    help="Labels of one picture may differ by this much.",
)
@click.option(
    "--predictions",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    show_default="none",
    help="predictions.csv of `evaluate --split train`, to find impossible labels; may be repeated.",
)
@click.option(
    "--max-error",
    type=float,
    show_default="none",
    help="With --predictions: leave out labels that all of them miss by more.",
)
@click.option("--show", default=100, help="Most pairs shown in each section of the page.")
@click.option(
    "--fail-on-leaks",
    is_flag=True,
    help="Exit with status 1 if a picture or a person is in two parts.",
)
@json_option
@click.pass_context
def command(ctx, folders, out, fail_on_leaks, as_json, **options):
    """Look for leaks between the parts of prepared data.

    Finds pictures that are in two of train, val and test, also as copies that were re-encoded,
    resized, mirrored, lightened or cropped a little; people that are in two parts; copies within a
    part; labels that contradict each other; records that cannot be read. Several DATA folders are
    looked at as one data set.

    Writes check.html, a page with the pairs found, check.json, which lists all, and
    image_weights.csv for `train --image-weights`: copies count once together, and not at all if
    they are held out too or their labels contradict each other. The exit status is 0 whatever is
    found, unless --fail-on-leaks is given.
    """
    from keras_dldl._utils.files import check_writable
    from keras_dldl.check import CheckOptions, check
    from keras_dldl.check.page import text_report

    given = {name: value for name, value in options.items() if value is not None}
    chosen = CheckOptions(**given)
    check_writable(out)  # before the work, not after it
    result = check(*folders, options=chosen)
    paths = result.save(out)
    if as_json:
        echo_json(result.content)
    else:
        click.echo(text_report(result.content))
        echo_written(paths)
    if fail_on_leaks and result.leaks:
        ctx.exit(EXIT_LEAKS)
