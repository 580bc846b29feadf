"""`keras-dldl evaluate`: a model's numbers on labelled faces."""

import click

from keras_dldl.cli.options import (
    ANY_MODEL,
    DATA,
    SPLITS,
    Choice,
    batch_option,
    detector_option,
    echo_json,
    echo_written,
    json_option,
    max_pixels_option,
    out_option,
)


@click.command()
@click.option("--model", required=True, help=ANY_MODEL)
@click.option("--data", "folders", **DATA)
@click.option(
    "--manifest",
    type=click.Path(),
    help="Instead of --data: table with the columns path and label, for images of any "
    "kind, read as by `prepare csv`.",
)
@click.option(
    "--root", type=click.Path(), help="With --manifest: folder that the paths are relative to."
)
@out_option
@click.option(
    "--split",
    type=Choice(SPLITS),
    help="Rows to measure.  [default: with --data test, else val; with --manifest all]",
)
@click.option(
    "--align/--no-align",
    default=True,
    help="With --manifest: find and align the faces; --no-align for aligned faces, as "
    "from `records extract`.",
)
@click.option(
    "--group-by",
    multiple=True,
    metavar="COLUMN",
    help="Column to group the errors by; may be repeated.  [default: all suitable]",
)
@click.option(
    "--against",
    metavar="MODEL",
    help="Another model to compare with on the same faces; it must have the same task "
    "and range of labels.",
)
@click.option(
    "--decoder",
    type=Choice(["expectation", "median"]),
    show_default="the model's own",
    help="How to turn distributions into values; the published benchmark uses the median.",
)
@click.option(
    "--leak-check/--no-leak-check",
    default=None,
    help="With --data: search the training faces for the evaluated ones.  [default: if "
    "it takes about a minute at most]",
)
@click.option(
    "--faces/--no-faces",
    "pictures",
    default=True,
    help="Show the worst and the best faces in the report; --no-faces if you may not publish them.",
)
@batch_option
@detector_option
@max_pixels_option
@click.option(
    "--limit", default=0, type=click.IntRange(0), help="Number of faces, the first ones; 0: all."
)
@json_option
def command(model, folders, manifest, root, out, align, detector, max_pixels, as_json, **options):
    """Measure a model's errors on prepared data, or on any labelled images.

    Writes report.html, metrics.json and predictions.csv; docs/evaluation.md explains them. Several
    --data folders are measured together, and each in a table. With --manifest, images without a
    detected face are used whole, and counted. Unreadable images and impossible rows (no path or
    label, a label off the model's grid) are skipped and listed under `unreadable` in metrics.json;
    the exit status is then 1, although everything else is written.
    """
    _check_usage(folders, manifest, root, align, detector, max_pixels)
    from keras_dldl._utils.files import check_writable
    from keras_dldl.errors import DataError
    from keras_dldl.evaluation import LabelledImages, PreparedFaces, evaluate
    from keras_dldl.evaluation.tables import text_report

    part = {name: options.pop(name) for name in ("split", "limit")}
    if manifest:
        faces = LabelledImages(
            manifest, root, align=align, detector=detector, max_pixels=max_pixels, **part
        )
    else:
        faces = PreparedFaces(*folders, **part)
    check_writable(out)  # now, and not when hours of work are lost by it
    evaluation = evaluate(model, faces, **options)
    try:
        # First, so that a full disk loses only the files.
        echo_json(evaluation.metrics) if as_json else click.echo(text_report(evaluation.metrics))
    finally:  # nor does a reader of stdout who goes away lose them
        paths = evaluation.save(out)
    if not as_json:
        echo_written(paths)
    if faces.unreadable:
        first = faces.unreadable[0]
        raise DataError(
            "Every row should have a path and a label on the model's grid, and every image should "
            "be readable; the numbers are written without those that are not. Received: "
            f"{faces.account()}; the first, line {first.line}: {first.reason}"
        )


def _check_usage(folders, manifest, root, align, detector, max_pixels):
    if bool(folders) == bool(manifest):
        received = "both" if folders else "neither"
        raise click.UsageError(
            f"Give either --data, or --manifest with --root. Received: {received}"
        )
    if bool(manifest) != bool(root):
        received = f"--manifest {manifest}" if manifest else f"--root {root}"
        raise click.UsageError(f"--manifest and --root go together. Received: {received} alone")
    not_for_data = {
        "--no-align": not align,
        "--detector": detector is not None,
        "--max-pixels": max_pixels is not None,
    }
    for option, is_given in not_for_data.items():
        if folders and is_given:
            raise click.UsageError(
                f"{option} is for --manifest; prepared data is read and aligned already. "
                f"Received: {option} with --data {folders[0]}"
            )
