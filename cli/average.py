"""`keras-dldl average`: the mean of two models' weights."""

import click

from keras_dldl.cli.new_model import force_option, refuse_existing, written
from keras_dldl.cli.options import json_option


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="The .keras file.")
@click.option("--weight", default=0.5, type=click.FloatRange(0, 1), help="Of FIRST in the mean.")
@force_option
@json_option
def command(first, second, out, weight, force, as_json):
    """Average the weights of FIRST and SECOND, of which one was trained on from the other.

    Each is a .keras file, a run folder, or a shipped model's name. They must agree in all but their
    weights. The mean is often better than both; of models that were trained apart it is useless,
    which `evaluate` shows.
    """
    from keras_dldl.models import average_models, load_model

    refuse_existing(out, force)
    written(average_models(load_model(first), load_model(second), weight), out, as_json)
