"""The command `keras-dldl`: a table of commands, each loaded when it is asked for."""

import errno
import io
import sys
import traceback
from importlib import import_module

import click

from keras_dldl._utils.arguments import did_you_mean
from keras_dldl._utils.quiet import quieten_pillow, quieten_tensorflow
from keras_dldl._version import __version__
from keras_dldl.cli.options import (
    add_common_options,
    debug_is_on,
    debug_option,
    file_hint,
    log_level_option,
    nearest_option,
    reason_of,
)
from keras_dldl.errors import ConfigError

# The help is here and not only in the commands, so that `--help` need not load them.
COMMANDS = {
    "fit": "Train a model on your photos: all steps in one command.",
    "prepare": "Find and align the faces of a data set, and split it.",
    "sources": "List the data sets that prepare reads.",
    "split": "Split prepared data again, without aligning the faces again.",
    "check": "Find leaks and duplicates in prepared data.",
    "records": "Check prepared data for damage, show its contents, extract its faces.",
    "pretrain": "Train a backbone to recognise people, as a start for train.",
    "train": "Train a model on prepared data.",
    "compare": "Train methods or settings on the same faces, and compare them.",
    "join": "Join two tiny-age-net models into one thin-age-net model.",
    "average": "Average the weights of a model and one trained from it.",
    "evaluate": "Measure a model's errors on labelled faces.",
    "calibrate": "Calibrate intervals, so that 90 % intervals hold 90 % of faces.",
    "card": "Write a model card: what a model is, its errors, its limits.",
    "explain": "Show which parts of a face a model relies on.",
    "export": "Export a model to TensorFlow Serving, ONNX or LiteRT.",
    "push": "Upload a model and its card to the Hugging Face hub.",
    "import-torch7": "Import a Torch7 network of the DLDL-v2 authors.",
    "predict": "Estimate age or attractiveness from photos.",
    "serve": "Serve models over HTTP, with a page for photos.",
    "benchmark": "Measure the speed of models on this machine, in every engine.",
    "models": "List the shipped models and their errors.",
}
EXIT_FAILURE = 1
EXIT_USAGE = 2  # click's own status for options it refuses; ours for values it cannot judge
EXIT_STOPPED = 130  # what shells report for a process ended by Ctrl-C: 128 + SIGINT


class CommandTable(click.Group):
    """A group that loads `keras_dldl.cli.<name>` on use, and ends every failure in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return add_common_options(import_module(f"keras_dldl.cli.{name.replace('-', '_')}").command)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"No such command {args[0]!r}.{_hint(args)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        words = [*ctx._protected_args, *ctx.args]
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            near = error.ctx and nearest_option(error.option_name, error.ctx.command)
            files = [word for word in words if word.startswith(error.option_name)]
            if files and file_hint(files[0], ""):
                error.message += f" A file of this name is given as ./{files[0]}, or behind --."
            elif near:
                error.possibilities = [near]
            raise
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(EXIT_STOPPED)
        except (Exception, SystemExit) as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # the reader of our output went away; click ends quietly
            if debug_is_on(ctx):
                click.echo(traceback.format_exc(), err=True)
            reason = _ended_by(error) if isinstance(error, SystemExit) else reason_of(error)
            click.echo(f"Error: {reason}", err=True)
            ctx.exit(EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILURE)


def _hint(words: list[str]) -> str:
    """Return what may have been meant by a first word that is no command."""
    name, *others = words
    if name == "help":
        return f" Help: keras-dldl {others[0] if others else '[COMMAND]'} --help"
    return did_you_mean(name, COMMANDS) or file_hint(name, "predict")


def _ended_by(error: SystemExit) -> str:
    """Return what to say of `sys.exit` in a class of the user's own; commands end otherwise."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        "Code of your own must return or raise an error, and not end the program. "
        f"Received: sys.exit({error.code!r}) in {place.filename}, line {place.lineno}"
    )


@click.group(
    cls=CommandTable,
    params=[debug_option(), log_level_option(default="info")],
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(__version__, prog_name="keras-dldl")
def cli() -> None:
    """Estimate age and attractiveness from face photos; train, evaluate and export such models."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file name that the stream's encoding lacks must not end the run.
            stream.reconfigure(errors="backslashreplace")
    quieten_tensorflow()
    quieten_pillow()
    try:
        cli.main(args, prog_name="keras-dldl")
    except KeyboardInterrupt:  # before or after a command had the chance to see it
        click.echo("Stopped.", err=True)
        sys.exit(EXIT_STOPPED)
    except OSError as error:  # a help page that could not be written
        click.echo(f"Error: {reason_of(error)}", err=True)
        sys.exit(EXIT_FAILURE)


if "__mp_main__" in sys.modules:
    # Imported by a worker process of a command, which does not call `main`.
    quieten_tensorflow()
    quieten_pillow()

if __name__ == "__main__":
    main()
