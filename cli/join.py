"""`keras-dldl join`: two narrow models as one of twice the width."""

import click

from keras_dldl.cli.options import json_option


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="The .keras file.")
@click.option(
    "--weight", default=0.5, type=click.FloatRange(0, 1), help="Of FIRST in the mean of the logits."
)
@click.option("--force", is_flag=True, help="Replace the file OUT.")
@json_option
def command(first, second, out, weight, force, as_json):
    """Join FIRST and SECOND, two models with the backbone tiny-age-net, into one of thin-age-net.

    Each is a .keras file, a run folder, or a shipped model's name. They must agree in all but their
    weights. The joined model answers with the mean of their logits; `train --init OUT` trains it
    on, which connects the halves.
    """
    import json
    from pathlib import Path

    from keras_dldl.files import atomic_path
    from keras_dldl.models import join_models, load_model

    if Path(out).exists() and not force:
        raise FileExistsError(f"{out} exists. Give another --out, or --force")
    joined = join_models(load_model(first), load_model(second), weight)
    with atomic_path(out) as temporary:
        joined.save(temporary)
    facts = {
        "path": str(out), "backbone": joined.backbone_name, "parameters": joined.count_params()
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        click.echo(f"written   {out}")
        click.echo(f"backbone  {joined.backbone_name}, {facts['parameters']:,} parameters")
