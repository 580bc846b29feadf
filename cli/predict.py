"""`keras-dldl predict`: age or attractiveness of the faces in photos."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import click

from keras_dldl.cli.options import json_option, on_one_line

TASKS = ("age", "attractiveness")


@click.command()
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--model",
    show_default="tiny-age",
    help="A .keras file, a run folder, or a shipped model's name.",
)
@click.option(
    "--task",
    type=click.Choice(TASKS),
    show_default="whatever the model estimates",
    help="What the model must estimate.",
)
@click.option("--all/--largest", "all_faces", default=True, help="Every face, or the largest.")
@click.option("--detect/--no-detect", default=True, help="--no-detect: IMAGE is an aligned face.")
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.9,
    help="Share of the distribution inside the interval.",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    show_default="KERAS_DLDL_MAX_PIXELS, or 100 million",
    help="Largest picture to read.",
)
@click.option(
    "--save",
    type=click.Path(),
    show_default="none",
    help="Draw the result: a picture file for one IMAGE, a folder for several.",
)
@click.option(
    "--plot",
    type=click.Path(),
    show_default="none",
    help="Draw the distributions into this picture, PDF or SVG file.",
)
@json_option
@click.pass_context
def command(ctx, images, model, task, save, plot, as_json, **options):
    """Estimate age or attractiveness of the faces in photos, a line a face.

    An IMAGE that cannot be read, or has no face, is reported on stderr; the others are still done,
    and the exit status is 1.
    """
    level = options.pop("level")
    pictures = _pictures_to_save(images, save)
    _check_plot(plot, [*images, *pictures])
    results = []
    for path, result in _predict(images, model, task, as_json, options):
        results.append(result)
        _report(path, result, level, as_json)
    if as_json:
        _echo_json(images, results, level)
    _save_pictures(images, results, pictures, options["max_pixels"])
    _save_plot(results, plot, level)
    if any(isinstance(result, Exception) for result in results):
        ctx.exit(1)


def _predict(images, model, task, as_json, options) -> Iterator[tuple]:
    """Yield each path with its list of predictions, or its error."""
    from keras_dldl.predict import PredictOptions, Predictor
    from keras_dldl.progress import progress

    predictor = Predictor(model, task)
    results = zip(images, predictor.predict(images, PredictOptions(**options)), strict=True)
    if as_json and len(images) > 1:  # without --json the lines themselves show the progress
        results = progress(results, total=len(images), label="predict")
    for path, result in results:
        single = not isinstance(result, (list, Exception))
        yield path, [result] if single else result


def _report(path, result, level, as_json) -> None:
    shown = click.format_filename(path)
    if isinstance(result, Exception):
        click.echo(f"{shown}: {_reason(path, result)}", err=True)
        return
    if as_json:
        return
    for prediction in result:
        line = f"{shown}: {prediction.describe(level)}"
        if prediction.box is not None:
            line += ", box " + " ".join(f"{side:.0f}" for side in prediction.box)
        click.echo(line)


def _reason(path, error) -> str:
    return on_one_line(str(error).removeprefix(f"{path}: "))


def _echo_json(images, results, level) -> None:
    items = []
    for path, result in zip(images, results, strict=True):
        failed = isinstance(result, Exception)
        faces = [] if failed else [prediction.to_dict(level) for prediction in result]
        error = _reason(path, result) if failed else None
        items.append({"path": path, "error": error, "faces": faces})
    click.echo(json.dumps(items, indent=2, allow_nan=False))


def _pictures_to_save(images, save) -> list[Path]:
    """Return where each image's picture goes; empty where none is wanted."""
    if save is None:
        return []
    place = Path(save)
    is_picture = place.suffix.lower() in _picture_suffixes() and not place.is_dir()
    if len(images) > 1 and (is_picture or place.is_file()):
        raise click.UsageError(
            "--save must be a folder for several images, or a file for one. "
            f"Received: --save {save}, {len(images)} images"
        )
    if len(images) > 1 or place.is_dir() or save.endswith(("/", os.sep)):
        targets = _names_in_folder(images, place)
    elif is_picture:
        targets = [place]
    else:
        raise click.UsageError(
            "--save must be a folder, or a file that ends like a picture: .png, .jpg, .webp. "
            f"Received: --save {save}"
        )
    _check_not_input("--save", targets, images)
    return targets


def _names_in_folder(images, folder: Path) -> list[Path]:
    """Return a name of its own for each image, also where two have the same name."""
    names: list[str] = []
    for image in images:
        stem = f"{Path(image).stem}-annotated"
        name, number = f"{stem}.png", 2
        while name in names:
            name, number = f"{stem}-{number}.png", number + 1
        names.append(name)
    return [folder / name for name in names]


def _picture_suffixes() -> set[str]:
    from PIL import Image

    return {s for s, name in Image.registered_extensions().items() if name in Image.SAVE}


def _check_plot(plot, others) -> None:
    if plot is None:
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    known = sorted(FigureCanvasAgg.get_supported_filetypes())
    if Path(plot).suffix.lower().removeprefix(".") not in known or Path(plot).is_dir():
        raise click.UsageError(
            f"--plot must be a file that ends in one of: {', '.join(known)}. "
            f"Received: --plot {plot}"
        )
    _check_not_input("--plot", [Path(plot)], others)


def _check_not_input(option, targets, others) -> None:
    taken = {Path(path).resolve() for path in others}
    for target in targets:
        if target.resolve() in taken:
            raise click.UsageError(
                f"{option} must not overwrite an IMAGE or another result. Received: {target}"
            )


def _save_pictures(images, results, pictures, max_pixels) -> None:
    from keras_dldl.drawing import annotate
    from keras_dldl.files import atomic_path

    if not pictures:
        return
    for path, result, target in zip(images, results, pictures, strict=True):
        if isinstance(result, Exception):
            continue
        picture = annotate(path, result, max_pixels=max_pixels)
        with atomic_path(target) as temporary:
            picture.save(temporary)


def _save_plot(results, plot, level) -> None:
    from keras_dldl.drawing import plot_distribution
    from keras_dldl.files import atomic_path

    predictions = [p for result in results if not isinstance(result, Exception) for p in result]
    if plot is None or not predictions:
        return
    with atomic_path(plot) as temporary:
        plot_distribution(predictions, level=level).savefig(temporary, dpi=150)
