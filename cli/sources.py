"""`keras-dldl sources`: the data sets that `prepare` reads."""

import sys
from textwrap import wrap
from typing import Any

import click

from keras_dldl.cli.options import echo_json, json_option
from keras_dldl.data.sources import SOURCES, Source

WIDTH = 78


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the data sets that `keras-dldl prepare` reads: files, terms and options.

    For a data set of your own, write a class and give it to prepare as module:Class; see
    docs/data.md.
    """
    rows = [describe(source) for source in SOURCES.values()]
    echo_json(rows) if as_json else click.echo("\n".join(map(format_source, rows)))


def describe(source: type[Source]) -> dict[str, Any]:
    """Return what a source says of itself: the form of its files, task, origin, terms, options."""
    module = sys.modules[source.__module__]
    return {
        "name": source.name,
        "reads": source.summary,
        "task": source().grid().task,
        "about": (module.__doc__ or "").partition("\n")[0],  # none under `python -OO`
        "licence": source.licence,
        "options": [f"--{option.replace('_', '-')}" for option in source.options],
    }


def format_source(row: dict[str, Any]) -> str:
    """Return the lines for one source."""
    lines = [row["name"]]
    for key in ("reads", "about", "licence", "task", "options"):
        text = ", ".join(row[key]) if isinstance(row[key], list) else row[key]
        lines += wrap(
            text or "none",
            WIDTH,
            initial_indent=f"  {key:<9}",
            subsequent_indent=" " * 11,
            break_on_hyphens=False,
        )
    return "\n".join(lines)
