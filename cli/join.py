"""`keras-dldl join`: two narrow models as one of twice the width."""

import click

from keras_dldl.cli.new_model import check_out, two_models, written


@click.command()
@two_models(weight="Weight of FIRST in the mean of the logits.")
def command(first, second, out, weight, force, as_json):
    """Join FIRST and SECOND, two models with the backbone tiny-age-net, into one of thin-age-net.

    Each is a .keras file, a run folder, or a shipped model's name. They must agree in all but their
    weights. The logits of the joined model are the mean of theirs. To train it further, which
    connects the halves, give it to `train --init`.
    """
    from keras_dldl.models import join_models, load_model

    check_out(out, force)
    written(join_models(load_model(first), load_model(second), weight), out, as_json)
