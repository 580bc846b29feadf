"""The options of commands that make a run: one for each declared setting."""

import functools
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click

from keras_dldl import configs
from keras_dldl.cli.options import Choice, echo_json, with_options
from keras_dldl.training.config import RunConfig, choose_config, parse_assignments
from keras_dldl.training.settings import Setting, setting_of

_TYPES = {"number": float, "integer": int}


class RunCommand(click.Command):
    """A command whose help lists the settings after its own options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write both lists."""
        for title, wanted in (("Options", click.Option), ("Settings", _SettingOption)):
            chosen = [param for param in self.get_params(ctx) if type(param) is wanted]
            with formatter.section(title):
                formatter.write_dl([r for p in chosen if (r := p.get_help_record(ctx))])


class _SettingOption(click.Option):
    pass


def run_options(kind: type[RunConfig]) -> Callable:
    """Give a command `--config`, `--resume`, `--set` and an option for each setting of `kind`.

    The command must have `--out`; it is called with `config` in place of the settings.
    """
    names = [field.name for field in fields(kind) if setting_of(field).kind != "mapping"]

    def decorate(command: Callable) -> Callable:
        @functools.wraps(command)
        def call(out: Any, file: Any, resume: bool, assignments: Any, **values: Any) -> Any:
            given = {name: values.pop(name) for name in names}
            changes = {name: value for name, value in given.items() if value not in (None, ())}
            changes |= parse_assignments(assignments)
            config = choose_config(out or "", file=file, changes=changes, resume=resume, kind=kind)
            return command(config=config, out=out, resume=resume, **values)

        return with_options(
            click.option(
                "--config",
                "file",
                type=click.Path(),
                show_default="none",
                help="YAML file of settings, such as a run's config.yaml, or the name of a shipped "
                f"one: {', '.join(configs.names())}. Options override it.",
            ),
            click.option("--resume", is_flag=True, help="Continue the run in --out."),
            click.option(
                "--set",
                "assignments",
                multiple=True,
                metavar="KEY=VALUE",
                show_default="none",
                help="Any setting, such as augment.rotation=0 or method_options.norm=l2; overrides "
                "the other options; may be repeated.",
            ),
            *(_option(f.name, setting_of(f), f.default) for f in fields(kind) if f.name in names),
        )(call)

    return decorate


def _option(name: str, setting: Setting, default: Any) -> Callable:
    flag = "--" + (setting.option or name).replace("_", "-")
    if setting.kind == "switch":
        flag += "/--no-" + flag[2:]
    several = setting.kind == "texts"
    shown = "none" if default in (None, ()) else "no" if default is False else default
    help = setting.help[0].upper() + setting.help[1:] + ("; may be repeated" if several else "")
    return click.option(
        flag, name, cls=_SettingOption, default=None, show_default=False, multiple=several,
        type=Choice(setting.choices) if setting.choices else _TYPES.get(setting.kind),
        metavar=setting.metavar or None, help=f"{help}.  [default: {shown}]",
    )  # fmt: skip


def report_run(result: Any, found: dict[str, Any], title: str, best: str, as_json: bool) -> None:
    """Print what a run gave.

    Args:
        result: of the run.
        found: what the JSON document has besides.
        title: of the number that the best epoch was chosen by.
        best: that number.
        as_json: whether to print JSON.
    """
    if as_json:
        echo_json(
            {
                "out": str(result.out),
                "model": str(result.model),
                "epochs": result.epochs,
                "best_epoch": result.best_epoch,
                "already_finished": result.already_finished,
                **found,
            }
        )
        return
    if result.already_finished:
        click.echo("This run was finished before; nothing was done.")
    if found.get("stopped_early"):
        click.echo("Stopped early: no improvement for as long as --patience allows.")
    width = max(8, len(title))
    click.echo(f"{'best epoch':>10}  {'epochs':>6}  {title:>{width}}  model")
    click.echo(f"{result.best_epoch:>10}  {result.epochs:>6}  {best:>{width}}  {result.model}")
