"""`keras-dldl export`: a model for a server, checked against Keras."""

import click

from keras_dldl.cli.options import json_option


class Version(click.IntRange):
    """A whole number from 1, or the word `auto`."""

    name = "number|auto"

    def __init__(self):
        super().__init__(min=1)

    def convert(self, value, param, ctx):
        """Return the number, or "auto"."""
        return value if value == "auto" else super().convert(value, param, ctx)


@click.command()
@click.option(
    "--model", required=True, help="A .keras file, a run folder, or a shipped model's name."
)
@click.option(
    "--format", "format_", type=click.Choice(["saved-model"]), default="saved-model",
    help="What to write. saved-model: for TensorFlow Serving. ONNX and LiteRT are not built yet.",
)  # fmt: skip
@click.option("--out", required=True, type=click.Path(), help="Folder to write.")
@click.option(
    "--version", type=Version(),
    help="Write into OUT/VERSION/, the layout of TensorFlow Serving, and its settings into OUT; "
    "auto: the next number.  [default: into OUT itself, without settings]",
)  # fmt: skip
@click.option("--mirror/--no-mirror", default=True, help="Average image and mirror image inside.")
@click.option("--force", is_flag=True, help="Replace an earlier export in the same folder.")
@json_option
def command(model, format_, out, version, mirror, force, as_json):
    """Write a model for a server, and check what was written.

    The export is read again without Keras and compared with Keras on generated images; where they
    differ by more than 0.001 years (or points) nothing is kept.
    """
    from keras_dldl.export import export_model

    result = export_model(model, format_, out, version=version, mirror=mirror, force=force)
    if as_json:
        import json
        from dataclasses import asdict

        parity = asdict(result.parity)
        found = {"path": str(result.path), "format": format_, "bytes": result.size}
        click.echo(json.dumps({**found, "parity": parity}, indent=2))
        return
    parity = result.parity
    click.echo(f"written     {result.path} ({result.size / 1e6:.1f} MB)")
    click.echo(
        f"difference  at most {parity.value:.2g} {parity.unit} from Keras, "
        f"over {parity.images} images"
    )
