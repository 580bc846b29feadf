"""The code in the docs: commands have the options they are shown with, imports what they name."""

import ast
import importlib
import re
import shlex

import click
import pytest

from keras_dldl.cli.main import cli
from tests.docs.test_links import PAGES, ROOT

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?: {4})?(?:\$ )?(?:[\w./]+/)?keras-dldl (.*)$", re.MULTILINE)
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def commands(text: str) -> list[list[str]]:
    """Return the words behind `keras-dldl` of every command line of a page."""
    joined = text.replace("\\\n", " ")
    lines = [re.sub(r"\s#.*", "", line) for line in COMMAND.findall(joined)]
    return [shlex.split(re.split(r" [>|&]", line)[0]) for line in lines if "`" not in line]


def check(command: click.Command, words: list[str]) -> None:
    """Raise a UsageError where a command has no such option, or a group no such command."""
    context = click.Context(command)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        part = command.get_command(context, words[0])
        if part is None:
            raise click.UsageError(f"no such command: {words[0]}")
        command, words, context = part, words[1:], click.Context(part)
    command.make_parser(context).parse_args(list(words))


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_have_their_options(page):
    for words in commands(page.read_text(encoding="utf-8")):
        try:
            check(cli, words)
        except click.UsageError as error:
            pytest.fail(f"keras-dldl {shlex.join(words)}: {error.format_message()}")


@pytest.mark.parametrize("words", ["train --nothing 3", "fly", "records fly", "predict a --al"])
def test_wrong_commands_are_seen(words):
    with pytest.raises(click.UsageError):
        check(cli, commands(f"```\n$ keras-dldl {words}  # why\n```")[0])


def test_commands_are_found():
    text = "```\nkeras-dldl a --b \\\n    c > d\n.venv/bin/keras-dldl --e\n```\nno keras-dldl f\n"
    assert commands(text) == [["a", "--b", "c"], ["--e"]]
    assert sum(len(commands(page.read_text("utf-8"))) for page in PAGES) > 60


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_python_is_python_and_imports_what_is_there(page):
    for language, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.ImportFrom) and node.module.startswith("keras_dldl"):
                    module = importlib.import_module(node.module)
                    assert all(hasattr(module, name.name) for name in node.names), ast.unparse(node)
