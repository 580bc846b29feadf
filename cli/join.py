"""`keras-dldl join`: two narrow models as one of twice the width."""

import click

from keras_dldl.cli.new_model import check_out, two_models, written


@click.command()
@two_models(weight="Of FIRST in the mean of the logits.")
def command(first, second, out, weight, force, as_json):
    """Join FIRST and SECOND, two models with the backbone tiny-age-net, into one of thin-age-net.

    Each is a .keras file, a run folder, or a shipped model's name. They must agree in all but their
    weights. The joined model answers with the mean of their logits; `train --init OUT` trains it
    on, which connects the halves.
    """
    from keras_dldl.models import join_models, load_model

    check_out(out, force)
    written(join_models(load_model(first), load_model(second), weight), out, as_json)
