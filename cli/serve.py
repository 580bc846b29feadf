"""`keras-dldl serve`: models behind HTTP, and a page for photos."""

import logging
import sys
import webbrowser

import click
from click.core import ParameterSource

from keras_dldl.cli.options import detector_option
from keras_dldl.serving.options import DEFAULT_HOST, DEFAULT_PORT, MEGABYTE, ServerOptions

MILLISECONDS = 1000
LIMITS = ServerOptions()


def _limit(name: str, text: str, field: str | None = None, unit: float = 1):
    """Return an option with the default of a field of `ServerOptions`, in `unit`s of it."""
    field = field or name.removeprefix("--").replace("-", "_")
    default = getattr(LIMITS, field)
    default = default if unit == 1 else default / unit
    is_whole = isinstance(default, int)
    kind = click.IntRange(1) if is_whole else click.FloatRange(0, min_open=field != "batch_window")
    return click.option(name, type=kind, default=default, help=text)


@click.command()
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="[NAME=]PATH",
    show_default="tiny-age",
    help="A .keras, .tflite or .onnx file, a run folder, a SavedModel (a version, or the folder of "
    "versions), a shipped model's name, or hf://user/name; may be repeated. NAME is its name in "
    "requests, by default the task.",
)
@click.option("--host", default=DEFAULT_HOST, help="Address to listen on; 0.0.0.0: all.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    help="Port to listen on; 0: any free one.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME/LABEL=VERSION",
    show_default="none",
    help="Label of a version, such as age/stable=3; may be repeated.",
)
@click.option(
    "--all-versions", is_flag=True, help="Serve all versions of a folder, not only the highest."
)
@_limit("--max-batch", "Largest number of faces in one forward pass.")
@_limit(
    "--batch-window",
    "How long a batch waits for more faces, in milliseconds.",
    unit=1 / MILLISECONDS,
)
@_limit("--queue", "Largest number of faces waiting, per model.")
@_limit("--photo-queue", "Largest number of photos waiting.")
@_limit("--max-body", "Largest request, in MB.", field="max_body_bytes", unit=MEGABYTE)
@_limit("--max-pixels", "Largest picture to decode, in pixels.")
@_limit("--max-request-pixels", "Largest sum of the pixels of all pictures of a request.")
@_limit("--timeout", "Longest time to an answer, in seconds.")
@_limit(
    "--body-timeout", "Longest time for a request to arrive, in seconds; large requests get more."
)
@click.option(
    "--cors",
    multiple=True,
    metavar="ORIGIN",
    show_default="none",
    help="Let pages of this origin call the server; *: all; may be repeated.",
)
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    show_default="this machine's own",
    help="Also answer under this host name; *: all; may be repeated.",
)
@detector_option
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
@click.pass_context
def command(
    ctx, models, host, port, labels, all_versions, max_body, batch_window, open_page,
    detector, **limits
):  # fmt: skip
    """Serve models over HTTP by TensorFlow Serving's REST protocol, with a page for photos at /.

    On a terminal, prints one line with the address, and warnings; --log-level info shows the logs.
    Elsewhere, logs are JSON lines on stderr; the one that says "ready" has the address. On SIGTERM,
    answers all accepted requests, then ends.
    """
    _require_extra()
    from keras_dldl.serving import serve

    options = ServerOptions(
        max_body_bytes=max(1, round(max_body * MEGABYTE)),
        batch_window=batch_window / MILLISECONDS,
        **limits,
    )
    on_terminal = sys.stderr.isatty()
    given = (of.get_parameter_source("log_level") for of in (ctx, ctx.find_root()))
    if on_terminal and ParameterSource.COMMANDLINE not in given:
        logging.getLogger("keras_dldl").setLevel(logging.WARNING)

    def on_ready(url):
        # Every address of this machine is no address to go to.
        page = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
        if on_terminal:
            click.echo(f"Faces in a photo: {page} (Ctrl-C ends it)", err=True)
        if open_page:
            webbrowser.open(page)

    serve(models or ["tiny-age"], host, port, options, labels, all_versions, detector, on_ready)


def _require_extra() -> None:
    from importlib.util import find_spec

    from keras_dldl.errors import ConfigError

    needed = ("fastapi", "uvicorn", "prometheus_client", "python_multipart")
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise ConfigError(
            "Serving needs more packages: pip install 'keras-dldl[serve]'. "
            f"Received: no {', '.join(missing)}"
        )
