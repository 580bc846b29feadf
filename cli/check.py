"""`keras-dldl check`: a leak check of prepared data."""

import click

from keras_dldl.cli.options import echo_json, echo_written, json_option, out_option

EXIT_LEAKS = 1


@click.command()
@click.argument("folders", metavar="DATA...", nargs=-1, required=True, type=click.Path())
@out_option
@click.option(
    "--similarity",
    type=float,
    show_default="0.88, more for drawn faces",
    help="Similarity, up to 1, from which two pictures count as one.",
)
@click.option(
    "--label-tolerance",
    type=float,
    show_default="one step of the label grid",
    help="Largest difference between the labels of one picture that is allowed.",
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
    help="With --predictions: leave out faces whose labels all predictions miss by more, "
    "in years or points.",
)
@click.option(
    "--show", default=100, help="Largest number of pairs shown in each section of the page."
)
@click.option(
    "--fail-on-leaks",
    is_flag=True,
    help="Exit with status 1 if a picture or person is in two parts.",
)
@json_option
@click.pass_context
def command(ctx, folders, out, fail_on_leaks, as_json, **options):
    """Find leaks and duplicates in prepared data.

    Finds pictures in two of train, val and test, including copies that were re-encoded, resized,
    mirrored, lightened or slightly cropped; people in two parts; copies within a part;
    contradicting labels; unreadable records. Several DATA folders are checked as one data set.

    Writes check.html (the pairs found), check.json (everything), and image_weights.csv for `train
    --image-weights`. There, the copies of a picture count once together; they do not count if one
    of them is held out or if their labels contradict each other. The exit status is 0 whatever is
    found, unless you give --fail-on-leaks.
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
