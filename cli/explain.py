"""`keras-dldl explain`: which parts of a face a model relies on."""

from collections.abc import Iterator

import click

from keras_dldl.cli.options import (
    DATA,
    KERAS_MODEL,
    SPLITS,
    Choice,
    GroupOfFiles,
    batch_option,
    detector_option,
    echo_json,
    echo_written,
    in_one_line,
    json_option,
    max_pixels_option,
    on_one_line,
    out_option,
)
from keras_dldl.cli.result_files import Names

SHAPES = ("square", "horizontal", "vertical")

model_option = click.option("--model", default="tiny-age", help=KERAS_MODEL)
data_option = click.option("--data", "folders", required=True, **DATA)
split_option = click.option(
    "--split", type=Choice(SPLITS), help="Faces to use.  [default: test, or else val]"
)
seed_option = click.option(
    "--seed", default=0, type=click.IntRange(0), help="Random seed of the draw by --limit."
)


def _refuse_photos(_: click.Context, __: click.Parameter, images: tuple[str, ...]) -> None:
    if images:
        raise click.UsageError(
            "This looks at many faces of known label: give prepared data by --data. For photos "
            f"there is `keras-dldl explain attention`. Received: {' '.join(images)}"
        )


no_photos = click.argument(
    "images", nargs=-1, expose_value=False, metavar="", callback=_refuse_photos, is_eager=True
)


@click.group(cls=GroupOfFiles, for_files="explain attention")
def command():
    """Show which parts of a face a model relies on."""


@command.command("attention")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@model_option
@out_option
@click.option(
    "--all/--largest", "all_faces", default=False, help="Explain every face, or only the largest."
)
@click.option(
    "--detect/--no-detect",
    default=True,
    help="Find the faces; --no-detect if IMAGE is an aligned face.",
)
@detector_option
@max_pixels_option
@click.pass_context
def attention_command(ctx, images, model, out, detector, **options):
    """Draw the attention map over the face, and the distribution: a picture per face.

    IMAGE is as in `predict`: a picture, a folder, a pattern, or @FILE.

    An IMAGE that cannot be read, or has no face, is reported on stderr, and the others continue. If
    the model has no attention maps, the pictures show the face and the distribution. The exit
    status is 1 in both cases.
    """
    from keras_dldl._utils.files import check_writable
    from keras_dldl._utils.photos import photo_paths
    from keras_dldl.calibration import DEFAULT_LEVEL
    from keras_dldl.errors import DetectorError, NoFaceFound, UnreadableImage
    from keras_dldl.explain.faces import PhotoExplainer
    from keras_dldl.explain.writing import draw_attention, save_figure
    from keras_dldl.faces.detectors import as_detector
    from keras_dldl.models import load_model

    check_writable(out)
    images = photo_paths(images)
    if not images:
        raise click.UsageError("No IMAGE is left to explain. Received: empty lists")
    detector = detector and as_detector(detector)  # checked before the model is loaded
    explainer = PhotoExplainer(load_model(model), detector)
    names, failed = Names(out, "attention", taken=images), explainer.refusal is not None
    for path in images:
        shown = on_one_line(click.format_filename(path))
        try:
            faces = explainer.explain(path, **options)
        except (NoFaceFound, UnreadableImage, DetectorError) as error:
            failed = True
            reason = on_one_line(str(error).removeprefix(f"{path}: "))
            click.echo(f"{shown}: {reason}", err=True)
            continue
        for face in faces:
            place = names.next(path)
            save_figure(draw_attention(face), place)
            said = in_one_line(face.prediction, DEFAULT_LEVEL, len(faces))
            click.echo(f"{shown}: {said}; written {click.format_filename(place)}")
    _end(ctx, explainer.refusal, failed)


@command.command("groups")
@no_photos
@data_option
@model_option
@out_option
@split_option
@click.option(
    "--groups",
    "boundaries",
    metavar="A,B,...",
    callback=lambda *given: _numbers(given[2]),
    help="Boundaries between age groups, such as 18,40,60.  [default: decades]",
)
@click.option("--limit", default=0, type=click.IntRange(0), help="Number of faces; 0: all.")
@seed_option
@batch_option
@json_option
@click.pass_context
def groups_command(ctx, folders, model, out, boundaries, batch_size, as_json, **chosen):
    """Average the attention maps of each age group, and draw them over its mean face.

    Writes groups.png, groups.npz (the arrays) and groups.json (the counts). If the model has no
    attention maps, writes only the mean faces; the exit status is then 1.
    """
    from keras_dldl._utils.files import check_writable
    from keras_dldl.evaluation import PreparedFaces
    from keras_dldl.explain.faces import ChosenFaces, maps_or_refusal
    from keras_dldl.explain.groups import group_averages, label_groups
    from keras_dldl.explain.writing import provenance, save_groups
    from keras_dldl.models import load_model

    check_writable(out)
    data = PreparedFaces(*folders, split=chosen["split"]).data  # checked before the model is loaded
    loaded = load_model(model)
    groups = label_groups(loaded.grid, boundaries)
    maps, refusal = maps_or_refusal(loaded)
    faces = ChosenFaces(loaded, data, **chosen)
    batches = _shown(faces.batches(batch_size), len(faces.labels))
    averages = group_averages(batches, groups, maps)
    about = provenance(loaded, model, faces)
    content, paths = save_groups(averages, out, about, refusal and str(refusal))
    if as_json:
        echo_json(content)
    else:
        for group, count in zip(averages.groups, averages.counts, strict=True):
            click.echo(f"{group.name:<12}{count:>8,} faces")
        if averages.places:
            click.echo(f"{'map':<12}{'{} x {}'.format(*averages.places):>8} places")
        echo_written(paths)
    _end(ctx, refusal, refusal is not None)


@command.command("occlusion")
@no_photos
@data_option
@model_option
@out_option
@split_option
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    type=Choice(SHAPES),
    default=SHAPES,
    help="Shape of the cover: square, strip across the face, strip from top to bottom; "
    "may be repeated.",
)
@click.option(
    "--size",
    type=click.IntRange(1),
    show_default="1/7 of the face",
    help="Side of the square or thickness of the strip, in pixels.",
)
@click.option(
    "--stride",
    type=click.IntRange(1),
    show_default="--size",
    help="Distance from one place to the next, in pixels.",
)
@click.option(
    "--limit", default=500, type=click.IntRange(0), help="Number of faces, drawn at random; 0: all."
)
@seed_option
@batch_option
@json_option
def occlusion_command(folders, model, out, shapes, size, stride, batch_size, as_json, **chosen):
    """Cover each place of the faces in turn, and draw how much the error rises.

    Writes occlusion.png, occlusion.npz (the arrays) and occlusion.json (the MAE at each place).
    Works for every model. Needs a forward pass per place: 49 squares, and 7 strips each way.
    """
    from keras_dldl._utils.files import check_writable
    from keras_dldl.evaluation import PreparedFaces
    from keras_dldl.explain.faces import ChosenFaces
    from keras_dldl.explain.occlusion import occlusion_sensitivity
    from keras_dldl.explain.writing import provenance, save_occlusion
    from keras_dldl.models import load_model

    check_writable(out)
    data = PreparedFaces(*folders, split=chosen["split"]).data  # checked before the model is loaded
    loaded = load_model(model)
    faces = ChosenFaces(loaded, data, **chosen)
    images = faces.images()
    found = [
        occlusion_sensitivity(
            loaded, images, faces.labels, shape, size=size, stride=stride, batch_size=batch_size
        )
        for shape in dict.fromkeys(shapes)
    ]
    about = provenance(loaded, model, faces)
    facts, paths = save_occlusion(found, images.mean(axis=0), out, about)
    if as_json:
        echo_json(facts)
        return
    click.echo(f"MAE without a cover: {facts['mae']:.2f} {about['unit']}, {facts['n']:,} faces")
    for shape, of in facts["covers"].items():
        worst = of["worst"]
        place = f"at top {worst['top']}, left {worst['left']}"
        click.echo(f"{shape:<12}{worst['rise']:+7.2f} {about['unit']} at most, {place}")
    echo_written(paths)


def _numbers(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(
            f"must be numbers with commas between them, such as 18,40,60. Received: {text}"
        ) from None


def _shown(batches: Iterator, total: int) -> Iterator:
    from keras_dldl._utils.progress import progress

    with progress(total=total, label="averaging") as bar:
        for images, labels in batches:
            yield images, labels
            bar.update(len(labels))


def _end(ctx: click.Context, refusal: Exception | None, failed: bool) -> None:
    if refusal is not None:
        click.echo(f"Error: {on_one_line(refusal)}", err=True)
    if failed:
        ctx.exit(1)
