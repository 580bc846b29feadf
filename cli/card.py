"""`keras-dldl card`: a model's card, from its file and the report of its evaluation."""

import click

from keras_dldl.cli.new_model import force_option, refuse_existing
from keras_dldl.cli.options import echo_written


@click.command()
@click.argument("model")
@click.option(
    "--report",
    type=click.Path(exists=True, file_okay=False),
    show_default="the model's folder",
    help="Folder that `evaluate` wrote for MODEL.",
)
@click.option(
    "--out", type=click.Path(dir_okay=False), show_default="stdout", help="File to write."
)
@force_option
def command(model, report, out, force):
    """Write a model card in Markdown: what MODEL is, its errors, data, settings and limits.

    MODEL is a run folder, a .keras file, or a shipped model's name. Add to the card what only you
    know: where the data come from, who agreed to what, and what the model is for.
    """
    if out:
        refuse_existing(out, force)
    from keras_dldl.evaluation.card import model_card

    text = model_card(model, report)
    if not out:
        click.echo(text, nl=False)
        return
    from keras_dldl._utils.files import write_text

    write_text(out, text)
    echo_written([out])
