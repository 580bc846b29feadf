"""`keras-dldl export`: a model for a server, checked against Keras."""

import click

from keras_dldl.cli.options import KERAS_MODEL, Choice, echo_json, json_option

FORMATS = ("saved-model", "onnx", "litert")
ALSO_CALLED = {"tflite": "litert", "tensorflow": "saved-model"}
PRECISIONS = ("float32", "float16", "int8-dynamic", "int8")


class Version(click.IntRange):
    """A whole number from 1, or the word `auto`."""

    name = "number|auto"

    def __init__(self):
        super().__init__(min=1)

    def convert(self, value, param, ctx):
        """Return the number, or "auto"."""
        return value if value == "auto" else super().convert(value, param, ctx)


@click.command()
@click.option("--model", required=True, help=KERAS_MODEL)
@click.option(
    "--format",
    "format_",
    type=Choice(FORMATS, ALSO_CALLED),
    default="saved-model",
    help="saved-model: for TensorFlow Serving; onnx, litert: one file for ONNX Runtime or LiteRT.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(),
    help="Folder to write; for onnx and litert also a file that ends in .onnx or .tflite.",
)
@click.option(
    "--version",
    type=Version(),
    help="Write into OUT/VERSION/, as TensorFlow Serving expects, and its settings into "
    "OUT; auto: the next number.  [default: into OUT itself, without settings]",
)
@click.option(
    "--mirror/--no-mirror", default=True, help="Average the predictions of image and mirror image."
)
@click.option(
    "--precision",
    type=Choice(PRECISIONS),
    default="float32",
    help="For litert. int8-dynamic: weights in 8 bits; int8: convolutions in 8 bits, see "
    "--calibrate.",
)
@click.option(
    "--calibrate",
    type=click.Path(exists=True),
    show_default="none",
    help="For int8: faces to calibrate on: prepared data, a manifest, or a folder of images.",
)
@click.option(
    "--images",
    type=click.Path(exists=True),
    show_default="others of --calibrate, or drawn faces",
    help="For onnx and litert: faces to compare with Keras on.",
)
@click.option(
    "--with-keras",
    is_flag=True,
    help="For litert in float32: include the Keras model in the file, so that train "
    "--init, evaluate and export read it like a .keras file.",
)
@click.option("--force", is_flag=True, help="Replace an existing export.")
@json_option
def command(model, format_, out, as_json, **options):
    """Export a model for a server or a device, and compare the export with Keras.

    The export is read again without Keras; if it differs too much from Keras, nothing is kept. A
    SavedModel may differ by 0.001 years (or points) on generated images. onnx and litert are
    compared on faces, and may differ by 0.01 years at most in float32, by 0.01 on average in
    float16, and by 0.5 on average in 8 bits. For points, the limits are in proportion to their
    range.
    """
    from keras_dldl.export import export_model

    result = export_model(model, format_, out, **options)
    if as_json:
        from dataclasses import asdict

        found = {"path": str(result.path), "format": format_, "bytes": result.size}
        echo_json({**found, "parity": asdict(result.parity)})
        return
    parity = result.parity
    click.echo(f"written     {result.path} ({result.size / 1e6:.1f} MB)")
    click.echo(
        f"difference  at most {parity.value:.2g} {parity.unit} from Keras, {parity.mean:.2g} in "
        f"the mean, over {parity.images} images"
    )
