"""`keras-dldl prepare`: a data set in its published layout becomes aligned, split data."""

from textwrap import wrap

import click

from keras_dldl._utils.arguments import did_you_mean
from keras_dldl.cli.options import (
    DETECTOR_HELP,
    DETECTORS,
    Choice,
    echo_json,
    json_option,
    max_pixels_option,
    out_option,
)
from keras_dldl.cli.split import check_split_usage, is_given, split_options
from keras_dldl.data.sources import SOURCES, find_source, sources_by_group
from keras_dldl.data.sources.base import kinds_of
from keras_dldl.labels import GRIDS


def _sources():
    """Return the names of the sources for the help; the mark keeps click from joining its lines."""
    lines = [
        line
        for group, names in sources_by_group().items()
        for line in wrap(
            ", ".join(names),
            76,
            break_on_hyphens=False,
            initial_indent=f"  {group:<16}",
            subsequent_indent=" " * 18,
        )
    ]
    return "\b\nSources (`keras-dldl sources` describes each):\n" + "\n".join(lines)


@click.command(epilog=_sources())
@click.argument("source", metavar="SOURCE")
@click.option("--root", type=click.Path(), help="Folder of the data set; not needed for synthetic.")
@out_option
@click.option("--size", default=224, help="Side of the aligned faces, in pixels.")
@click.option("--margin", default=0.16, help="Border around the face, as a share of its side.")
@click.option(
    "--detector",
    metavar=DETECTORS,
    default="auto",
    help=f"{DETECTOR_HELP} Models trained on these faces use the same.",
)
@click.option(
    "--on-missing",
    type=Choice(["whole", "skip", "fail"]),
    default="whole",
    help="If no face is found: use the whole image, skip it, or fail.",
)
@split_options(default="official")
@click.option("--workers", default=0, help="Number of processes; 0: one per core, at most 8.")
@click.option(
    "--runner",
    type=Choice(["processes", "beam"]),
    default="processes",
    help="Run in processes of this machine, or on Apache Beam.",
)
@click.option(
    "--beam-option",
    "beam_options",
    multiple=True,
    metavar="--NAME=VALUE",
    show_default="none",
    help="One of Beam's own options, such as --runner=FlinkRunner; may be repeated.",
)
@click.option("--limit", default=0, help="Number of rows, spread evenly; 0: all.")
@max_pixels_option
@click.option(
    "--drop-leaks",
    is_flag=True,
    help="Remove faces from training whose picture is also in val or test, and from val "
    "those in test.",
)
@click.option(
    "--landmarks",
    type=Choice(["detect", "given"]),
    default="detect",
    help="detect: find the landmarks of each face; given: use the data set's own, if it has some.",
)
@click.option(
    "--annotations",
    type=click.Path(),
    help="For benchmark, scut-fbp and cfd: file with the labels.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Stop at an unreadable image or impossible row, instead of skipping it.",
)
@click.option(
    "--csv", type=click.Path(), help="For csv: table with the columns path and label; also .xlsx."
)
@click.option(
    "--grid",
    type=Choice(list(GRIDS)),
    default="age",
    help="For csv and image-folder: age in years, or ratings from 1 to 5 (scut-fbp) or 1 "
    "to 7 (cfd).",
)
@click.option("--count", default=1000, help="For synthetic: number of faces.")
@click.option(
    "--age",
    type=Choice(["apparent", "real"]),
    default="apparent",
    help="For appa-real: the age to use as the label.",
)
@click.option(
    "--min-face-score",
    type=float,
    default=None,
    show_default="none",
    help="For imdb-wiki: skip faces with a lower score.",
)
@click.option(
    "--max-second-face-score",
    type=float,
    default=None,
    show_default="skip every second face",
    help="For imdb-wiki: skip photos whose second face has a higher score.",
)
@click.option(
    "--source-option",
    "source_options",
    multiple=True,
    metavar="NAME=VALUE",
    show_default="none",
    help="Option of a source of your own, its value as in YAML; may be repeated.",
)
@json_option
@click.pass_context
def command(ctx, source, root, out, as_json, **options):
    """Find and align the faces of a data set, split it, and write prepared data.

    SOURCE is the layout of the data set, see below, or module:Class for one of your own. To
    continue after a stop, run the command again. Unreadable images and impossible rows are skipped
    and listed in skipped.csv; the exit status stays 0, unless you give --strict.
    """
    from dataclasses import fields
    from pathlib import Path

    from keras_dldl._utils.imports import make
    from keras_dldl.data.prepare import PrepareOptions, prepare

    kind = find_source(source)
    _check_options_of(kind, source, ctx)
    check_split_usage(ctx)
    if kind.draws_root:
        root = root or str(Path(out) / "images")
    if root is None:
        raise click.UsageError(
            f"--root is needed for {source}: the folder of the data set. Received: no --root"
        )
    of_run = {field.name: options[field.name] for field in fields(PrepareOptions)}
    own = _own_options(kind, source, options["source_options"])
    reader = make(kind, "source", **_options_of(kind, options) | own)
    run_jobs = _run_jobs(ctx, options["runner"], options["beam_options"])
    _report(prepare(reader, root, out, PrepareOptions(**of_run), run_jobs), as_json)


def _run_jobs(ctx, runner, beam_options):
    """Return what does the work elsewhere; None where processes of this machine do."""
    if runner != "beam":
        if beam_options:
            raise click.UsageError(
                f"--beam-option is for --runner beam only. Received: --runner {runner}"
            )
        return None
    if is_given(ctx, "workers"):
        raise click.UsageError(
            f"--workers is for --runner processes only. Received: --runner {runner}"
        )
    from keras_dldl.data.prepare.beam import beam_runner

    return beam_runner(beam_options)


def _options_of(kind, options):
    """Return the source's own options; a fold is one of its own, unless --folds draws some."""
    left_out = {"fold"} if options["folds"] is not None else set()
    given = {name for name, value in options.items() if value is not None}
    return {name: options[name] for name in kind.options if name in given - left_out}


def _own_options(kind, source, assignments):
    """Return the options that only a source of the user's own has."""
    from keras_dldl.training.config import parse_assignments

    own = parse_assignments(assignments)
    for name in own:
        if source in SOURCES:
            raise click.UsageError(
                "--source-option is for a source of your own, module:Class; those of "
                f"`keras-dldl sources` have options by name. Received: {name} for {source}"
            )
        if name not in kind.options:
            raise click.UsageError(
                f"The options of {source}, which its attribute `options` names, are "
                f"{', '.join(kind.options) or 'none'}.{did_you_mean(name, kind.options)} "
                f"Received: {name}"
            )
    return own


def _check_options_of(kind, source, ctx):
    """Refuse options that only other sources look at."""
    for option in ctx.command.params:
        owners = [name for name, other in SOURCES.items() if option.name in other.options]
        shared = option.name in ("seed", "fold")  # of the split too
        if owners and not shared and option.name not in kind.options:
            if is_given(ctx, option.name):
                raise click.UsageError(
                    f"{option.opts[0]} is for the source {' or '.join(owners)} only. "
                    f"Received: {source}"
                )


def _report(result, as_json):
    if as_json:
        content = {
            "out": str(result.out),
            "counts": result.counts,
            "found": result.found,
            "whole": result.whole,
            "skipped_by_fault": {kind.fault: kind.count for kind in kinds_of(result.skipped)},
            "given": result.given,
            "skipped": [{"path": item.path, "reason": item.reason} for item in result.skipped],
        }
        echo_json(content)
        return
    for split, count in result.counts.items():
        click.echo(f"{split:<8}{count:>8,} faces")
    click.echo(f"{'whole':<8}{result.whole:>8,} images without a face found, taken whole")
    if result.given:
        click.echo(f"{'given':<8}{result.given:>8,} images cut out by the data set's landmarks")
    click.echo(f"{'skipped':<8}{len(result.skipped):>8,} images or rows, listed in skipped.csv")
    for kind in kinds_of(result.skipped):
        click.echo(f"{kind.count:>16,} {kind.fault} (first: {kind.example})")
    click.echo(f"written  {result.out}")
