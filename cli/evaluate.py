"""`keras-dldl evaluate`: a model's numbers on labelled faces."""

import click

from keras_dldl.cli.options import (
    DATA,
    SPLITS,
    Choice,
    batch_option,
    detector_option,
    echo_json,
    echo_written,
    json_option,
    max_pixels_option,
)


@click.command()
@click.option(
    "--model",
    required=True,
    help="A .keras, .tflite or .onnx file, a run folder, a SavedModel, or a shipped model's name.",
)
@click.option("--data", "folders", **DATA)
@click.option(
    "--manifest",
    type=click.Path(),
    help="Instead of --data: a table of path,label[,...] for images of any kind, read as "
    "`prepare csv` reads it.",
)
@click.option(
    "--root",
    type=click.Path(),
    help="With --manifest: the folder its paths are relative to, or lie in.",
)
@click.option("--out", required=True, type=click.Path(), help="Folder to write.")
@click.option(
    "--split",
    type=Choice(SPLITS),
    help="Which rows.  [default: with --data test, or else val; with --manifest all]",
)
@click.option(
    "--align/--no-align",
    default=True,
    help="With --manifest: find and align faces; --no-align for crops, as of `records extract`.",
)
@click.option(
    "--group-by",
    multiple=True,
    metavar="COLUMN",
    help="Column to break the numbers down by; may be repeated.  [default: all suitable]",
)
@click.option(
    "--against",
    metavar="MODEL",
    help="Another model, of the same task and range of labels, to compare with on the same faces.",
)
@click.option(
    "--decoder",
    type=Choice(["expectation", "median"]),
    show_default="the model's own",
    help="From distributions to values; the published benchmark decodes by the median.",
)
@click.option(
    "--leak-check/--no-leak-check",
    default=None,
    help="With --data: search its training part for the evaluated faces.  "
    "[default: where it takes about a minute at most]",
)
@click.option(
    "--faces/--no-faces",
    "pictures",
    default=True,
    help="Show the worst and the best faces in the report; --no-faces where they may not be "
    "passed on.",
)
@batch_option
@detector_option
@max_pixels_option
@click.option("--limit", default=0, type=click.IntRange(0), help="Only the first faces; 0: all.")
@json_option
def command(model, folders, manifest, root, out, align, detector, max_pixels, as_json, **options):
    """Measure a model on prepared data, or on any labelled images.

    Writes metrics.json, predictions.csv and report.html; docs/evaluation.md says what they mean.
    Several --data folders are measured together, and each in a table. With --manifest, images in
    which no face is found are used whole, and counted. Images that cannot be read, and rows that
    cannot be right (no path or label, a label off the model's grid), are left out and listed under
    `unreadable` in metrics.json; the exit status is then 1 although all the rest is written.
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
