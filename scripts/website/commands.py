"""The page of all commands with all their options, written from what `--help` says."""

import inspect
import re
from collections.abc import Iterator

import click

HEAD = """# Commands

What `keras-dldl COMMAND --help` says, of all commands. Exit statuses and environment variables are
in [Design](../design.md#contract-command-line).
"""


def commands_page() -> str:
    """Return the page."""
    from keras_dldl.cli.main import cli

    top = click.Context(cli, info_name="keras-dldl", **cli.context_settings)
    return "\n".join([HEAD, *described(cli, top, 2)])


def described(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    """Yield the lines about a command, then those about the commands in it."""
    yield f"{'#' * level} {context.command_path}\n"
    yield from paragraphs(command.help or "")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"```text\n{usage}\n```\n"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and record[1]:  # an argument without a help of its own is in the usage
            yield f"`{record[0]}`\n:   {escaped(record[1])}\n"
    yield from paragraphs(command.epilog or "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            part = command.get_command(context, name)
            yield from described(part, click.Context(part, context, name), min(level + 1, 4))


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text; what click keeps unchanged becomes code."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if paragraph.startswith("\b"):
            yield f"```text\n{paragraph[1:].strip(chr(10))}\n```\n"
        elif paragraph:
            yield f"{escaped(paragraph)}\n"


def escaped(text: str) -> str:
    """Return `text` without characters that Markdown would take for its own, but for code."""
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [re.sub(r"([*_<>\[\]\\])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)
