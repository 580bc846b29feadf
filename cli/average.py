"""`keras-dldl average`: the mean of two models' weights."""

import click

from keras_dldl.cli.new_model import check_out, two_models, written


@click.command()
@two_models(weight="Weight of FIRST in the average.")
def command(first, second, out, weight, force, as_json):
    """Average the weights of FIRST and SECOND, one of which was trained from the other.

    Each is a .keras file, a run folder, or a shipped model's name. They must agree in all but their
    weights. The average is often better than both; for models trained separately it is useless.
    """
    from keras_dldl.models import average_models, load_model

    check_out(out, force)
    written(average_models(load_model(first), load_model(second), weight), out, as_json)
