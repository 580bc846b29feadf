"""Docstrings as the site shows them: examples as code, names of the package as links."""

import re
from typing import Any

import griffe

from website.reference import paths

EXAMPLE = re.compile(r"^( *)>>> .*(?:\n\1(?! *$).+)*", re.MULTILINE)
CALL = re.compile(r"^Call arguments:\n((?:    .*(?:\n|$))+)", re.MULTILINE)
ITEM = re.compile(r"^    (\w+): ", re.MULTILINE)
NAME = re.compile(r"(?<!\[)`((?:\w+\.)*\w+)`")


class Docstrings(griffe.Extension):
    """Rewrites every docstring before it is taken apart."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = shown(obj.docstring.value, obj.name)


def shown(text: str, own: str = "") -> str:
    """Return a docstring with Markdown for what Markdown does not know; `own` is not linked."""
    text = CALL.sub(call_arguments, text)
    parts, end = [], 0
    for example in EXAMPLE.finditer(text):
        indent = example[1]
        parts += [linked(text[end : example.start()], own)]
        parts += [f"{indent}```pycon\n{example[0]}\n{indent}```"]
        end = example.end()
    return "".join([*parts, linked(text[end:], own)])


def call_arguments(section: re.Match) -> str:
    """Return the arguments of a call as a list, which the site has no other form for."""
    return "**Call arguments:**\n\n" + ITEM.sub(r"- `\1`: ", section[1])


def linked(text: str, own: str) -> str:
    """Return `text` with links from names in backticks to what the reference has of that name.

    Names of one lower-case word are left alone: they may be an argument, or a command.
    """

    def link(name: re.Match) -> str:
        short = name[1].rpartition(".")[2]
        known = paths().get(short)
        is_word = re.fullmatch("[a-z]+", short)
        if name[1].startswith("keras_dldl."):
            return f"[`{name[1]}`][{name[1]}]"
        return name[0] if not known or short == own or is_word else f"[`{name[1]}`][{known}]"

    return NAME.sub(link, text)
