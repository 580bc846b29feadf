"""From a data set in its published layout to aligned faces and a manifest of them."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_dldl._utils import files
from keras_dldl._utils.on_disk import as_on_disk
from keras_dldl.data.leaks.fingerprints import fingerprint_all
from keras_dldl.data.leaks.search import find_pairs, groups_of, leaking
from keras_dldl.data.manifest import row_problems
from keras_dldl.data.prepare.given_landmarks import take_landmarks, with_choice
from keras_dldl.data.prepare.options import PrepareOptions
from keras_dldl.data.prepare.output import begin_output, check_output, remove_leftovers
from keras_dldl.data.prepare.shards import (
    ShardJob,
    forget_failures,
    jobs_of,
    read_report,
    refuse_skipped,
    run_all,
)
from keras_dldl.data.prepared import FACES, PLACE_COLUMNS, write_prepared
from keras_dldl.data.records import Records
from keras_dldl.data.sources.base import Skipped, Source
from keras_dldl.data.splits.protocol import split_rows, warn_of_empty_splits
from keras_dldl.errors import DataError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.detectors import detector_here
from keras_dldl.faces.images import pixel_limit

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class PrepareResult:
    """What `prepare` made.

    Args:
        out: the folder.
        counts: faces by split.
        found: faces detected.
        whole: images without a face found, taken whole.
        skipped: images and rows left out.
        given: faces cut out by the data set's own landmarks.
    """

    out: Path
    counts: dict[str, int]
    found: int
    whole: int
    skipped: list[Skipped]
    given: int = 0


def prepare(
    source: Source,
    root: str | os.PathLike,
    out: str | os.PathLike,
    options: PrepareOptions,
    run_jobs: Callable[[Sequence[ShardJob]], None] | None = None,
) -> PrepareResult:
    """Read a data set, align its faces, split it, and write it as prepared data.

    A killed run continues where it stopped when it is called again with the same arguments, and
    gives the same files as one that was not killed; shards damaged since are written again. With
    another number of threads to a worker the detector rounds otherwise, and now and then a face's
    pixel is one level lighter or darker.

    Args:
        source: reads the data set's layout.
        root: the data set's folder.
        out: the folder to write: `faces/`, `manifest.csv`, `skipped.csv` and `dataset.json`, which
            comes last.
        options: size, margin, splits and the like.
        run_jobs: does the shards elsewhere, such as `beam.beam_runner`; default: here, in
            `options.workers` processes.

    Raises:
        ConfigError: the environment variable for `max_pixels` is not a number.
        DataError: the data set is not there, rows are bad, or `out` holds something else.
        OSError: `out` cannot be written.

    >>> from keras_dldl.data.sources import find_source
    >>> source = find_source("synthetic")()
    >>> prepare(source, "data/mine", "data/drawn", PrepareOptions(size=32, limit=4)).counts
    {'train': 3, 'val': 0, 'test': 1}
    """
    import pandas as pd

    root, out = Path(root).resolve(), Path(out).resolve()
    pixel_limit(options.max_pixels)  # of the environment: not after an hour, in a worker
    # Once for all workers and for every resumption, so that no data mix detectors under one name.
    options = replace(options, detector=detector_here(options.detector))
    plan = _call(source, root, options)
    check_output(out, plan)
    remove_leftovers(out, keep=None if source.draws_root else root)
    rows = source.read(root)
    table, off_grid = _on_grid(with_choice(rows.table, options.landmarks), source)
    table = _limited(table, options.limit)
    if options.strict:
        refuse_skipped(rows.skipped + off_grid)
        _refuse_missing(table["path"], root)
    _split(table, source, options)
    hashes = pd.util.hash_pandas_object(table.astype(str), index=False).to_numpy()
    plan |= {"rows": len(table), "rows_hash": f"{int(hashes.sum()):016x}"}
    begin_output(out, plan)
    table, given = take_landmarks(table)
    jobs = forget_failures(jobs_of(table, given, root, out, options))
    if options.strict:
        done = [read_report(job.report_path) for job in jobs if job.report_path.exists()]
        refuse_skipped([item for report in done for item in report.skipped])
    (run_jobs or partial(run_all, workers=options.workers))(jobs)
    return _finish(out, source, table, jobs, options, rows.skipped + off_grid, plan)


def _limited(table: "pd.DataFrame", limit: int) -> "pd.DataFrame":
    """Return `limit` rows, evenly spread; all if it is 0."""
    if not 0 < limit < len(table):
        return table
    step = len(table) / limit
    return table.iloc[[int(i * step) for i in range(limit)]].reset_index(drop=True)


def _refuse_missing(paths: "pd.Series", root: Path) -> None:
    missing = [path for path in paths if not os.path.isfile(as_on_disk(root / path))]
    refuse_skipped([Skipped(path, "no such file") for path in missing])


def _on_grid(table: "pd.DataFrame", source: Source) -> tuple["pd.DataFrame", list[Skipped]]:
    """Leave out rows whose label the grid does not hold; only sources with own labels have any."""
    problems = row_problems(table, source.grid())
    left_out = [Skipped(str(table["path"][i]), why) for i, why in sorted(problems.items())]
    kept = table.drop(index=list(problems)).reset_index(drop=True)
    if kept.empty:
        raise DataError(f"No usable rows in the data set. Received: {len(problems)} bad rows only")
    return kept, left_out


def _split(table: "pd.DataFrame", source: Source, options: PrepareOptions) -> None:
    """Set the column `split`; what the data set gave stays in the column `official`."""
    given = table.get("split")
    if options.folds is None and "fold" in source.options:
        options = replace(options, fold=None)  # it gave the splits of this fold
    table["split"] = split_rows(table, options, given)
    if given is not None and "official" not in table:
        table["official"] = given
    warn_of_empty_splits(table["split"], options)


def _call(source: Source, root: Path, options: PrepareOptions) -> dict:
    """Return what decides the output and is known before the data set is read.

    With the rows it is the plan, by which a run to continue is distinguished from another one.
    """
    chosen = {name: value for name, value in asdict(options).items() if value is not None}
    del chosen["workers"], chosen["strict"]
    return {"source": source.name, "root": os.fspath(root), "options": chosen}


def _finish(
    out: Path,
    source: Source,
    table: "pd.DataFrame",
    jobs: list[ShardJob],
    options: PrepareOptions,
    skipped: list[Skipped],
    plan: dict,
) -> PrepareResult:
    import pandas as pd

    reports = [read_report(job.report_path) for job in jobs]
    faces = pd.DataFrame(
        [{**face, "shard": report.name} for report in reports for face in report.faces],
        columns=["face", *PLACE_COLUMNS],
    )
    left_out = [item for report in reports for item in report.skipped]
    if faces.empty:
        first = f"{left_out[0].path}: {left_out[0].reason}" if left_out else "none"
        raise DataError(
            "No image could be used. At least one must be there and readable; paths are relative "
            f"to the folder {plan['root']}. Received: {len(table):,} rows; the first left out: "
            f"{first}"
        )
    manifest = faces[["path", "face"]].merge(table, on="path", how="left", validate="one_to_one")
    if options.drop_leaks:
        leaks = find_leaks(manifest, Records.of_table(out / FACES, faces))
        manifest = manifest[~manifest["path"].isin([leak.path for leak in leaks])]
        left_out = leaks + left_out
    skipped = skipped + left_out
    listed = pd.DataFrame([asdict(item) for item in skipped], columns=["path", "reason"])
    files.write_table(out / "skipped.csv", listed)
    by = {name: int((manifest["face"] == name).sum()) for name in ("found", "whole", "given")}
    facts = {
        "source": source.name,
        "root": plan["root"],
        "grid": source.grid().get_config(),
        "size": options.size,
        "alignment": Alignment(options.margin, options.detector).get_config(),
        "split": options.chosen_split(),
        "whole": by["whole"],
    }
    counts = write_prepared(out, manifest, faces, {of.name: of.facts for of in reports}, facts)
    return PrepareResult(out, counts, by["found"], by["whole"], skipped, by["given"])


def find_leaks(rows: "pd.DataFrame", records: Records) -> list[Skipped]:
    """Return the faces that are also in a part held out more, each with the face it copies.

    Of a picture that occurs in several parts, test keeps its copies, else validation does.

    Args:
        rows: N rows with `path` and `split`.
        records: their faces.

    Raises:
        DataError: a shard is damaged.
    """
    encoded = (face for part in records.parts() for face in part)
    numbers, prints, _ = fingerprint_all(enumerate(encoded), len(records))
    rows, left = rows.iloc[numbers].reset_index(drop=True), np.arange(len(numbers))
    dropped: dict[str, str] = {}
    # Until nothing more is found: the search is relative to the set's mean face.
    while True:
        paths, parts = (rows[name].to_numpy(object)[left] for name in ("path", "split"))
        leaks = leaking(parts, groups_of(find_pairs(prints.take(left), parts), len(left)))
        if not leaks:
            return [Skipped(path, dropped[path]) for path in sorted(dropped)]
        for i, keeper in leaks.items():
            dropped[paths[i]] = f"the same picture is in {parts[keeper]}: {paths[keeper]}"
        left = np.delete(left, list(leaks))
