"""`keras-dldl push`: a model to the Hugging Face hub."""

import click


@click.command()
@click.argument("model")
@click.argument("name", metavar="hf://USER/NAME")
@click.option(
    "--report",
    type=click.Path(exists=True, file_okay=False),
    show_default="the model's folder",
    help="Folder that `evaluate` wrote for MODEL; its figures are uploaded too.",
)
@click.option(
    "--private/--public",
    default=True,
    help="Visibility of a new repository; an existing one stays as it is.",
)
def command(model, name, report, private):
    """Upload MODEL and its card to the Hugging Face hub.

    MODEL is a run folder, a .keras file, or a shipped model's name. It becomes one file that LiteRT
    runs and Keras loads. Its CARD.md, or else what `card` writes, becomes the page of the
    repository. Every command then takes hf://USER/NAME as a model. Needs keras-dldl[hub] and a
    token (`hf auth login`, or HF_TOKEN).
    """
    from keras_dldl.export.publishing import push

    click.echo(f"written {push(model, name, report, private=private)}")
