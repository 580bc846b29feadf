"""`keras-dldl predict`: age or attractiveness of the faces in photos."""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from keras_dldl.cli.options import (
    ANY_MODEL,
    Choice,
    detector_option,
    echo_json,
    echo_written,
    in_one_line,
    json_option,
    max_pixels_option,
    on_one_line,
)
from keras_dldl.cli.result_files import Names, is_written, refuse_overwriting, rows_of, write_rows

TASKS = ("age", "attractiveness")
DEFAULT_PLOT = "distribution.png"
ENGINES = ("auto", "keras", "litert", "onnx")
# From this many images on: threads, a progress bar, and the speed at the end.
MANY = 16
MOST_WORKERS = 8


@click.command()
@click.argument("images", metavar="IMAGE...", nargs=-1, type=click.Path())
@click.option("--model", show_default="tiny-age", help=ANY_MODEL)
@click.option(
    "--task",
    type=Choice(TASKS),
    show_default="the model's",
    help="Task that the model must have; without --model, chooses the default model.",
)
@click.option("--all/--largest", "all_faces", default=True, help="Every face, or only the largest.")
@click.option(
    "--detect/--no-detect",
    default=True,
    help="Find the faces; --no-detect if IMAGE is an aligned face.",
)
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.9,
    help="Share of faces whose label the interval holds; for an uncalibrated model, "
    "share of the distribution inside it.",
)
@max_pixels_option
@click.option(
    "--save",
    type=click.Path(),
    show_default="none",
    help="Draw boxes and values into this picture file; for several IMAGEs, into this folder.",
)
@click.option(
    "--plot",
    type=click.Path(),
    is_flag=False,
    flag_value=DEFAULT_PLOT,
    show_default="none",
    help="Draw the distributions into this picture, PDF or SVG file; without a file name, at the "
    f"end of the line: {DEFAULT_PLOT}.",
)
@click.option(
    "--csv",
    type=click.Path(),
    show_default="none",
    help="Write a table with a row per face into this file, for spreadsheets.",
)
@click.option(
    "--engine",
    type=Choice(ENGINES),
    show_default="KERAS_DLDL_ENGINE, or auto",
    help="Runtime of the networks: litert and onnx do not need TensorFlow; auto: litert "
    "if it is installed, else keras.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    show_default=f"one per core, at most {MOST_WORKERS}",
    help="Threads that read images and find faces.",
)
@detector_option
@json_option
@click.option(
    "--json-lines", is_flag=True, help="Print one JSON document per image, as soon as it is done."
)
@click.option("--distribution", is_flag=True, help="Include distributions and labels in the JSON.")
@click.pass_context
def command(ctx, images, save, plot, csv, as_json, json_lines, **options):
    """Estimate age or attractiveness of the faces in photos: a line per face.

    IMAGE is a picture; a folder (all pictures in it and its subfolders, except hidden ones); a
    pattern such as "photos/*.jpg"; or @FILE, a text file with an IMAGE per line (@-: stdin).

    A line ends with the reasons to doubt its prediction, if any: blurred, small, drawn ...

    An IMAGE that cannot be read, or has no face, is reported on stderr. The others continue, and
    the exit status is 1.
    """
    level, distribution = options.pop("level"), options.pop("distribution")
    if as_json and json_lines:
        raise click.UsageError("--json and --json-lines exclude each other. Received: both")
    if distribution and not (as_json or json_lines):
        raise click.UsageError(
            "--distribution is for --json and --json-lines. Received: --distribution without either"
        )
    images = _paths(images, plot)
    pictures = _pictures_to_save(images, save)
    _check_plot(plot, [*images, *pictures])
    _check_csv(csv, [*images, *pictures, *([plot] if plot else [])])
    style = "json" if as_json else "json-lines" if json_lines else "text"
    keep = as_json or pictures or plot
    from keras_dldl.predict import Predictor

    chosen = {name: options.pop(name) for name in ("model", "task", "detector", "engine")}
    predictor = Predictor(**chosen)
    network = predictor.network
    results, rows, failed = [], [], False
    for path, result in _predict(predictor, images, style, options):
        failed |= isinstance(result, Exception)
        if keep:  # else any number of them need no memory
            results.append(result)
        item = _as_item(network, path, result, level, distribution)
        if csv:
            rows += rows_of(item)
        if style == "json-lines":
            click.echo(json.dumps(item, allow_nan=False))
        shown = on_one_line(click.format_filename(path))
        if isinstance(result, Exception):
            click.echo(f"{shown}: {_reason(path, result)}", err=True)
        elif style == "text":
            for prediction in result:
                click.echo(f"{shown}: {in_one_line(prediction, level, len(result))}")
    if as_json:
        pairs = zip(images, results, strict=True)
        echo_json([_as_item(network, *pair, level, distribution) for pair in pairs])
    saved = _save_pictures(images, results, pictures, level, options["max_pixels"])
    plotted = _save_plot(results, plot, level)
    tabled = csv is None or is_written(csv, write_rows, rows)
    if csv and tabled:
        echo_written([csv], err=True)
    if failed or not (saved and plotted and tabled):
        ctx.exit(1)


def _predict(predictor, images, style, options) -> Iterator[tuple]:
    """Yield each path with its list of predictions, or its error."""
    from keras_dldl._utils.progress import progress
    from keras_dldl._utils.threads import cores
    from keras_dldl.predict import PredictOptions

    workers = options.pop("workers")
    many = len(images) >= MANY
    if many:
        options |= {"batch_size": MANY, "workers": workers or min(cores(), MOST_WORKERS)}
    results = zip(images, predictor.predict(images, PredictOptions(**options)), strict=True)
    # On a terminal the lines themselves show the progress.
    if len(images) > 1 and style != "text" or many and not sys.stdout.isatty():
        results = progress(results, total=len(images), label="predict")
    begin = time.perf_counter()
    for path, result in results:
        single = not isinstance(result, (list, Exception))
        yield path, [result] if single else result
    if many:
        seconds = time.perf_counter() - begin
        speed = f"{len(images) / seconds:.1f} images per second"
        click.echo(f"{len(images)} images in {seconds:.1f} s, {speed}", err=True)


def _reason(path, error) -> str:
    return on_one_line(str(error).removeprefix(f"{path}: "))


def _as_item(network, path, result, level, distribution) -> dict:
    from keras_dldl.predict.prediction import photo_to_dict

    failed = isinstance(result, Exception)
    error = _reason(path, result) if failed else None
    faces = [] if failed else result
    found = photo_to_dict(network, faces, level, distribution=distribution)
    return {"path": path, "error": error, **found}


def _paths(images, plot) -> list[str]:
    from keras_dldl._utils.photos import photo_paths

    if not images:
        taken = (
            f" --plot takes the word after it as its file, here {plot}: give --plot last, or with "
            "a file of its own."
        )
        raise click.UsageError(
            f"Missing argument 'IMAGE...'.{taken if plot else ''} Received: no image"
        )
    paths = photo_paths(images)
    if not paths:  # of lists only
        raise click.UsageError(f"No IMAGE is left to predict. Received: {' '.join(images)}")
    return paths


def _pictures_to_save(images, save) -> list[Path]:
    """Return where each image's picture goes; empty where none is wanted."""
    if save is None:
        return []
    from keras_dldl.predict.drawing import picture_suffixes

    place = Path(save)
    is_picture = place.suffix.lower() in picture_suffixes() and not place.is_dir()
    if len(images) > 1 and (is_picture or place.is_file()):
        raise click.UsageError(
            "--save must be a folder for several images, or a file for one. "
            f"Received: --save {save}, {len(images)} images"
        )
    if len(images) > 1 or place.is_dir() or save.endswith(("/", os.sep)):
        names = Names(place, "annotated")
        targets = [names.next(image) for image in images]
    elif is_picture:
        targets = [place]
    else:
        raise click.UsageError(
            "--save must be a folder, or a file that ends like a picture: .png, .jpg, .webp. "
            f"Received: --save {save}"
        )
    refuse_overwriting("--save", targets, images)
    return targets


def _check_plot(plot, others) -> None:
    if plot is None:
        return
    from keras_dldl.predict.drawing import plot_suffixes

    known = plot_suffixes()
    if Path(plot).suffix.lower() not in known or Path(plot).is_dir():
        raise click.UsageError(
            f"--plot must be a file that ends in one of: {', '.join(known)}. "
            f"Received: --plot {plot}"
        )
    refuse_overwriting("--plot", [Path(plot)], others)
    if _is_photo(plot):
        raise click.UsageError(
            "--plot takes the word after it as its file, and must not overwrite a picture that is "
            f"no plot: give --plot last, or name another file. Received: --plot {plot}"
        )


def _is_photo(path) -> bool:
    """Return whether there is a picture at `path`, other than one that `--plot` drew before."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            drawn_by = str(picture.info.get("Software", ""))
            return picture.format != "EPS" and not drawn_by.startswith("Matplotlib")
    except OSError:  # nothing there, or another kind of file
        return False
    except Image.DecompressionBombError:
        return True


def _check_csv(csv, others) -> None:
    if csv is None:
        return
    from keras_dldl._utils.files import check_writable

    if Path(csv).suffix.lower() != ".csv" or Path(csv).is_dir():
        raise click.UsageError(f"--csv must be a file that ends in .csv. Received: --csv {csv}")
    refuse_overwriting("--csv", [Path(csv)], others)
    check_writable(Path(csv).parent)  # now, and not after the predictions of a large folder


def _save_pictures(images, results, pictures, level, max_pixels) -> bool:
    """Return whether all that is to be saved is saved."""
    from keras_dldl.predict.drawing import annotate

    def draw(place, path, result):
        if Path(path).is_fifo():
            raise ValueError(
                "Drawing reads a picture again, which a pipe does not allow; give a file. "
                f"Received: {path}"
            )
        annotate(path, result, level=level, max_pixels=max_pixels).save(place)

    if not pictures:
        return True
    drawn = [
        (target, path, result)
        for path, result, target in zip(images, results, pictures, strict=True)
        if not isinstance(result, Exception)
    ]
    targets = [target for target, *_ in drawn]
    done = [is_written(target, draw, *of) for target, *of in drawn]
    written = [target for target, ok in zip(targets, done, strict=True) if ok]
    if len(written) == 1:
        echo_written(written, err=True)
    elif written:
        place = click.format_filename(written[0].parent)
        click.echo(f"written {len(written):,} pictures in {place}", err=True)
    return all(done)


def _save_plot(results, plot, level) -> bool:
    """Return whether the plot is saved, where there is something to plot."""
    from keras_dldl.predict.drawing import plot_distribution
    from keras_dldl.predict.prediction import PLOT_DPI

    def draw(place):
        plot_distribution(predictions, level=level).savefig(place, dpi=PLOT_DPI)

    predictions = [p for result in results if not isinstance(result, Exception) for p in result]
    if plot is None or not predictions:
        return True
    done = is_written(plot, draw)
    if done:
        echo_written([plot], err=True)
    return done
