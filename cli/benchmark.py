"""`keras-dldl benchmark`: how fast models are on this machine, in every engine."""

import click

from keras_dldl.cli.options import echo_json, json_option

MODELS = "thin-age-net,tiny-age@224,tiny-age"


@click.command()
@click.option(
    "--models",
    default=MODELS,
    help="Models to time, separated by commas: shipped models' names, paths, or "
    "backbones (untrained); NAME@SIZE sets the input size in pixels.",
)
@click.option(
    "--engines",
    show_default="all",
    help="Engines, separated by commas: keras, saved-model, litert, onnx, openvino, "
    "litert-float16, litert-int8-dynamic, litert-int8.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=7,
    help="Number of rounds; the engines take turns in each.",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    show_default="one per core",
    help="Number of threads per engine.",
)
@click.option(
    "--faces",
    type=click.Path(exists=True),
    show_default="drawn faces",
    help="Faces to calibrate int8 and to compare with Keras on: prepared data, a "
    "manifest, or a folder of images.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="Only check that all works: two rounds, batches of 4, no cold start.",
)
@json_option
def command(models, engines, as_json, **options):
    """Measure the speed of models on this machine, in every engine.

    For each: the time of one face, the throughput in batches of 32, both also as ratios to VGG-16
    in Keras, the share of the machine's arithmetic peak, and the difference from Keras. Then the
    time of a cold start of predict. Engines take turns, round after round, so that other load
    affects all of them. Takes about five minutes.
    """
    from keras_dldl.benchmark import BenchmarkOptions, run_benchmark, text

    if engines is not None:
        options["engines"] = _names(engines)
    result = run_benchmark(BenchmarkOptions(models=_names(models), **options))
    if as_json:
        echo_json(result)
    else:
        click.echo(text(result))


def _names(given: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in given.split(","))))
