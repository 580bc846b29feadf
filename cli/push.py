"""`keras-dldl push`: a model to the Hugging Face hub."""

import click


@click.command()
@click.argument("model")
@click.argument("name", metavar="hf://USER/NAME")
@click.option(
    "--report",
    type=click.Path(exists=True, file_okay=False),
    show_default="the model's folder",
    help="Folder that evaluate wrote for MODEL; its figures are pushed too.",
)
@click.option(
    "--private/--public",
    default=True,
    help="For a new repository; an existing one stays as it is.",
)
def command(model, name, report, private):
    """Put MODEL on the Hugging Face hub, for use by its name wherever a model is asked for.

    MODEL is a run folder, a .keras file, or a shipped model's name. It becomes one file that LiteRT
    runs and Keras loads; its CARD.md, or else what `card` writes, becomes the page of the
    repository. Needs keras-dldl[hub] and a token (`hf auth login`, or HF_TOKEN).
    """
    from keras_dldl.export.publishing import push

    click.echo(f"written {push(model, name, report, private=private)}")
