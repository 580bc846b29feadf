"""Options that several commands share."""

import difflib
import functools
import json
import logging
import os
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from keras_dldl._utils.arguments import did_you_mean

LOG_LEVELS = ("debug", "info", "warning", "error")
LOGGER = "keras_dldl"
NEAR_WORD, NEAR_OTHER = 0.5, 0.8  # few words that are unlike each other need little in common
_DEBUG = "keras_dldl.debug"

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on stdout."
)

# What Keras reads: for commands that need its model.
KERAS_MODEL = "A .keras file, a run folder, a shipped model's name, or hf://user/name."
ANY_MODEL = (
    "A .keras, .tflite or .onnx file, a run folder, a SavedModel, a shipped model's name, or "
    "hf://user/name."
)
DATA = {
    "multiple": True,
    "type": click.Path(),
    "help": "Folder of prepared data; may be repeated.",
}
SPLITS = ("train", "val", "test")

out_option = click.option("--out", required=True, type=click.Path(), help="Folder to write.")

batch_option = click.option(
    "--batch-size", default=64, type=click.IntRange(1), help="Faces in one forward pass."
)

max_pixels_option = click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    show_default="KERAS_DLDL_MAX_PIXELS, or 100 million",
    help="Largest picture to read, in pixels.",
)


DETECTORS = "auto|mtcnn|MODULE:CLASS"
DETECTOR_HELP = (
    "Face detector: auto, for faces at any angle; mtcnn, the paper's, for upright faces; or a "
    "class of your own with a method detect(images)."
)
detector_option = click.option(
    "--detector",
    metavar=DETECTORS,
    show_default="the one that found the model's training faces",
    help=DETECTOR_HELP,
)


class Choice(click.Choice):
    """One of some words; for another one, the nearest is offered.

    Args:
        choices: the words.
        others: what else people call some of them, to be offered for that.
    """

    def __init__(self, choices: Iterable[str], others: Mapping[str, str] | None = None):
        super().__init__(list(choices))
        self.others = dict(others or {})

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the word."""
        if value not in self.choices:
            words = ", ".join(map(repr, self.choices))
            near = difflib.get_close_matches(str(value), self.others, n=1, cutoff=NEAR_OTHER)
            meant = self.others[near[0]] if near else value
            self.fail(
                f"{value!r} is not one of {words}.{did_you_mean(meant, self.choices, NEAR_WORD)}",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


class GroupOfFiles(click.Group):
    """A group of commands that says which of them takes a file, if a file is given instead of one.

    Args:
        for_files: that command, such as "explain attention".
    """

    def __init__(self, *args: Any, for_files: str = "", **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.for_files = for_files

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
        """Return the command of the first argument; a file's name is refused with a hint."""
        if args[0] not in self.commands and (hint := file_hint(args[0], self.for_files)):
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


def file_hint(name: str, command: str) -> str:
    """Return which command to give a file to, with a space before it; "" where `name` is none."""
    from keras_dldl._utils.photos import is_picture

    is_file = is_picture(name) or os.path.lexists(name)
    return f" For a file or folder: keras-dldl {command} {shlex.quote(name)}" if is_file else ""


def with_options(*options: Callable) -> Callable:
    """Return a decorator that gives a command these options and arguments, in this order."""
    return lambda command: functools.reduce(
        lambda wrapped, option: option(wrapped), reversed(options), command
    )


def _set_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_DEBUG] = True  # seen by the parents of `ctx` too


def _set_log_level(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        set_up_logging(value)


def debug_option() -> click.Option:
    """Return `--debug`, which applies to the run: see `debug_is_on`."""
    return click.Option(
        ["--debug"],
        is_flag=True,
        is_eager=True,  # so that it holds for the other options' failures too
        expose_value=False,
        callback=_set_debug,
        help="Show the traceback of an error.",
    )


def log_level_option(default: str | None = None) -> click.Option:
    """Return `--log-level`, which applies to the run."""
    return click.Option(
        ["--log-level"],
        type=Choice(LOG_LEVELS),
        default=default,
        expose_value=False,
        callback=_set_log_level,
        help="Log messages of this level and above to stderr.",
    )


def add_common_options(command: click.Command) -> click.Command:
    """Give `command` `--debug` and `--log-level`, unless it has them, and return it.

    Every command takes them, so that they may stand on either side of its name.
    """
    present = {option for param in command.params for option in param.opts}
    for option in (debug_option(), log_level_option()):
        if not present & set(option.opts):
            command.params.append(option)
    for part in getattr(command, "commands", {}).values():  # of a group
        add_common_options(part)
    return command


def nearest_option(name: str, command: click.Command) -> str | None:
    """Return the option of `command` whose flag, or whose setting, is nearest to `name`."""
    known: dict[str, str] = {}
    for param in command.params:
        for flag in (*param.opts, *param.secondary_opts):
            known[flag.strip("-")] = flag
    for param in command.params:
        known.setdefault(str(param.name).replace("_", "-"), param.opts[0])
    flags = {word: flag for word, flag in known.items() if flag.startswith("-")}
    near = difflib.get_close_matches(name.strip("-").replace("_", "-"), flags, n=1)
    return flags[near[0]] if near else None


def debug_is_on(ctx: click.Context) -> bool:
    """Tell whether `--debug` was given, before or after the command's name."""
    return bool(ctx.meta.get(_DEBUG))


class _StderrHandler(logging.Handler):
    # Looks stderr up at each message: a stream kept from the start may be closed or replaced.
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


def set_up_logging(level: str) -> None:
    """Send this package's messages from `level` (one of `LOG_LEVELS`) on to stderr."""
    root, logger = logging.getLogger(), logging.getLogger(LOGGER)
    if not root.handlers:
        # Else the first call of `logging.info`, which LiteRT's export has, adds one there that
        # repeats all our messages.
        others = _StderrHandler(logging.WARNING)
        others.addFilter(lambda record: record.name.partition(".")[0] != LOGGER)
        root.addHandler(others)
    logger.setLevel(level.upper())
    if not any(isinstance(handler, _StderrHandler) for handler in logger.handlers):
        handler = _StderrHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
        logger.addHandler(handler)


def reason_of(error: Exception) -> str:
    """Return why `error` happened, on one line.

    >>> reason_of(FileNotFoundError(2, "No such file or directory", "a.jpg"))
    'No such file or directory: a.jpg'
    """
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.strerror}: {error.filename}"
    if isinstance(error, (OSError, ValueError, RuntimeError)) and str(error).strip():
        return on_one_line(error)
    # The message of a KeyError or the like says little without its type.
    return on_one_line(f"{type(error).__name__}: {error}").removesuffix(":")


def on_one_line(text: Any) -> str:
    """Join the lines of `text` by spaces.

    >>> on_one_line("Not a label grid.\\n  Received: 3\\n")
    'Not a label grid. Received: 3'
    """
    return " ".join(line.strip() for line in str(text).splitlines() if line.strip())


def in_one_line(prediction: Any, level: float, faces: int) -> str:
    """Return a prediction as text, and its warnings.

    Args:
        prediction: of a face.
        level: of the interval.
        faces: how many are shown of this photo.
    """
    line = f"face {prediction.number}: " if faces > 1 else ""
    line += prediction.describe(level)
    if prediction.box is not None:
        line += ", box " + " ".join(f"{side:.0f}" for side in prediction.box)
    if faces == 1 and (prediction.faces_found or 1) > 1:
        line += f", the largest of {prediction.faces_found} faces or more"
    if prediction.warnings:
        line += "; warning: " + ", ".join(warning.code for warning in prediction.warnings)
    return line


def echo_json(content: Any) -> None:
    """Print `content` as the one JSON document on stdout; NaN is refused."""
    click.echo(json.dumps(content, indent=2, allow_nan=False))


def echo_written(paths: Iterable[str | os.PathLike], *, err: bool = False) -> None:
    """Print a line for each file that was written, to stderr with `err`."""
    for path in paths:
        click.echo(f"written {click.format_filename(path)}", err=err)
