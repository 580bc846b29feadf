"""From a data set in its published layout to aligned faces: manifest, records, crops."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from keras_dldl import files
from keras_dldl.data.faces_writer import (
    ON_MISSING,
    ShardJob,
    is_done,
    note_checksum,
    read_report,
    run_job,
    start_worker,
)
from keras_dldl.data.given_landmarks import (
    Landmarks,
    check_choice,
    take_landmarks,
    with_choice,
)
from keras_dldl.data.leaks.drop import drop_leaks
from keras_dldl.data.manifest import SPLITS, row_problems, write_manifest
from keras_dldl.data.output import begin_output, check_output, remove_leftovers
from keras_dldl.data.prepared import INDEX_NAME, ShardFacts, index_of
from keras_dldl.data.protocol import SplitOptions, split_rows, warn_of_empty_splits
from keras_dldl.data.shards import ROWS_PER_SHARD, shards_of
from keras_dldl.data.sources.base import Skipped, Source
from keras_dldl.data.strict import refuse_missing, refuse_skipped
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.images import pixel_limit
from keras_dldl.progress import progress

if TYPE_CHECKING:
    import pandas as pd

MOST_WORKERS = 8


@dataclass(frozen=True)
class PrepareOptions(SplitOptions):
    """How to prepare a data set; how to split it, see `SplitOptions`.

    Args:
        size: side of the aligned faces in pixels, 32 ... 1024.
        margin: border around the face, see `faces.Alignment`.
        on_missing: where no face is found: "whole" takes the whole image (the paper's way),
            "skip" leaves it out, "fail" stops.
        crops: also write every aligned face as an image file, under `crops/`.
        workers: processes; 0 means one for every core this process may use, 8 at most.
        limit: only this many rows, spread evenly over the data set; 0 means all.
        max_pixels: of the largest image to read, see `faces.read_image`; larger ones are skipped.
        landmarks: "detect" finds them in every image, "given" takes those that the data set brings
            along and finds the others.
        strict: stop where anything would be left out, as soon as that is known.
        drop_leaks: take faces out of training whose picture is in validation or test too, and out
            of validation where it is in test; they are listed in `skipped.csv`.
    """

    size: int = 224
    margin: float = Alignment.margin
    on_missing: str = "whole"
    crops: bool = True
    workers: int = 0
    limit: int = 0
    max_pixels: int | None = None
    landmarks: str = "detect"
    strict: bool = False
    drop_leaks: bool = False

    def __post_init__(self):
        super().__post_init__()
        if not 32 <= self.size <= 1024:
            raise ConfigError(f"`size` must be 32 ... 1024 pixels. Received: size={self.size}")
        if self.on_missing not in ON_MISSING:
            raise ConfigError(
                f"`on_missing` must be one of {', '.join(ON_MISSING)}. "
                f"Received: {self.on_missing!r}"
            )
        if self.workers < 0 or self.limit < 0:
            raise ConfigError(
                "`workers` and `limit` must be 0 or more. "
                f"Received: workers={self.workers}, limit={self.limit}"
            )
        check_choice(self.landmarks)
        if self.strict and self.on_missing == "skip":
            raise ConfigError(
                "`strict` leaves nothing out, so `on_missing` must be whole or fail with it. "
                f"Received: on_missing={self.on_missing!r}"
            )
        Alignment(self.margin)  # checks it
        if self.max_pixels is not None:
            pixel_limit(self.max_pixels)


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
    gives the same files as one that was not killed; shards that were damaged since are written
    anew. With another number of threads to a worker the detector rounds otherwise, and now and then
    a crop's pixel is one level lighter or darker.

    Args:
        source: reads the data set's layout.
        root: the data set's folder.
        out: the folder to write: `manifest.csv`, `records/`, `crops/`, `skipped.csv` and
            `dataset.json`, which comes last.
        options: size, margin, splits and the like.
        run_jobs: does the shards elsewhere, such as `data.beam.beam_runner`; default: here, in
            `options.workers` processes.

    Raises:
        ConfigError: the environment variable for `max_pixels` is not a number.
        DataError: the data set is not there, rows are bad, or `out` holds something else.
        OSError: `out` cannot be written.
    """
    root, out = Path(root).resolve(), Path(out).resolve()
    pixel_limit(options.max_pixels)  # of the environment: not after an hour, in a worker
    check_output(out, _call(source, root, options))
    remove_leftovers(out, keep=None if source.draws_root else root)
    rows = source.read(root)
    table, off_grid = _on_grid(with_choice(rows.table, options.landmarks), source)
    table = _spread(table, options.limit)
    if options.strict:
        refuse_skipped(rows.skipped + off_grid)
        refuse_missing(root, table["path"])
    _split(table, source, options)
    plan = {**_call(source, root, options), **_content(table)}
    begin_output(out, plan)
    table, given = take_landmarks(table)
    jobs = list(_jobs(table, given, root, out, options))
    if options.strict:
        refuse_skipped(_reported(jobs))
    if run_jobs is None:
        _run_all(jobs, options.workers)
    else:
        run_jobs(jobs)
    leaks = drop_leaks(out, jobs) if options.drop_leaks else []
    return _finish(out, source, table, jobs, options, rows.skipped + off_grid + leaks, plan)


def _on_grid(table: "pd.DataFrame", source: Source) -> tuple["pd.DataFrame", list[Skipped]]:
    """Leave out rows whose label the grid does not hold; only sources with own labels have any."""
    problems = row_problems(table, source.grid())
    left_out = [Skipped(str(table["path"][i]), why) for i, why in sorted(problems.items())]
    kept = table.drop(index=list(problems)).reset_index(drop=True)
    if kept.empty:
        raise DataError(f"No usable rows in the data set. Received: {len(problems)} bad rows only")
    return kept, left_out


def _spread(table: "pd.DataFrame", limit: int) -> "pd.DataFrame":
    if not limit or limit >= len(table):
        return table
    step = len(table) / limit
    return table.iloc[[int(i * step) for i in range(limit)]].reset_index(drop=True)


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
    """Return what decides the output, and is known before the data set is read.

    With `_content` it is the plan, by which a run to continue is told from another one.
    """
    chosen = {name: value for name, value in asdict(options).items() if value is not None}
    del chosen["workers"], chosen["strict"]
    if not options.drop_leaks:  # folders begun before there was this option go on
        del chosen["drop_leaks"]
    return {"source": source.name, "root": os.fspath(root), "options": chosen}


def _content(table: "pd.DataFrame") -> dict:
    import pandas as pd

    content = pd.util.hash_pandas_object(table.astype(str), index=False).to_numpy()
    return {"rows": len(table), "rows_hash": f"{int(content.sum()):016x}"}


def _jobs(
    table: "pd.DataFrame", given: dict[str, Landmarks], root: Path, out: Path,
    options: PrepareOptions,
) -> Iterator[ShardJob]:  # fmt: skip
    for name, chunk in shards_of(table, ROWS_PER_SHARD):
        sigma = chunk["sigma"] if "sigma" in chunk else [float("nan")] * len(chunk)
        rows = tuple(zip(chunk["path"], map(float, chunk["label"]), map(float, sigma), strict=True))
        yield ShardJob(
            name=name,
            rows=rows,
            root=str(root),
            out=str(out),
            size=options.size,
            margin=options.margin,
            on_missing=options.on_missing,
            crops=options.crops,
            max_pixels=options.max_pixels,
            landmarks={path: given[path] for path in chunk["path"] if path in given},
            strict=options.strict,
        )


def _run_all(jobs: list[ShardJob], workers: int) -> None:
    """Run the jobs that are not done, here or in several processes, and show the progress."""
    open_jobs = _not_done(jobs)
    cores = _cores()
    # Of all jobs, not the open ones: a run that goes on must have as many threads to a worker.
    workers = min(workers or min(cores, MOST_WORKERS), len(jobs))
    done = sum(len(job.rows) for job in jobs) - sum(len(job.rows) for job in open_jobs)
    with progress(total=sum(len(job.rows) for job in jobs), label="aligning faces") as bar:
        bar.update(done)
        if workers <= 1:
            for job in open_jobs:
                run_job(job)
                bar.update(len(job.rows))
            return
        if open_jobs:
            _run_in_processes(open_jobs, workers, max(1, cores // workers), bar)


def _not_done(jobs: list[ShardJob]) -> list[ShardJob]:
    """Return the jobs to do. Finished shards are read through, to do again what is damaged."""
    with progress(total=len(jobs), label="looking for finished shards") as bar:
        bar.leave = False
        left = []
        for job in jobs:
            left += [] if is_done(job) else [job]
            bar.update()
    return left


def _cores() -> int:
    """Return the number of cores that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _run_in_processes(jobs: list[ShardJob], workers: int, threads: int, bar) -> None:
    # Spawned, not forked: TensorFlow's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, start_worker, (threads,)) as pool:
        futures = {pool.submit(run_job, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                future.result()
                bar.update(len(futures[future].rows))
        except BrokenProcessPool as error:
            raise DataError(
                "A worker process died, perhaps for want of memory. Run the same command again to "
                f"continue, with fewer --workers. Received: workers={workers}"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _reported(jobs: list[ShardJob]) -> list[Skipped]:
    """Return what the shards that are done left out."""
    reports = [read_report(job.report_path) for job in jobs if job.report_path.exists()]
    return [Skipped(**item) for report in reports for item in report.skipped]


def _finish(
    out: Path, source: Source, table: "pd.DataFrame", jobs: list[ShardJob],
    options: PrepareOptions, skipped: list[Skipped], plan: dict,
) -> PrepareResult:  # fmt: skip
    import pandas as pd

    reports = [note_checksum(read_report(job.report_path), job.shard_path) for job in jobs]
    faces = pd.DataFrame(
        [face for report in reports for face in report.faces], columns=["path", "face", "score"]
    )
    if faces.empty:
        raise DataError(f"No image could be used. Received: {len(table)} rows, see {out}")
    manifest = faces.merge(table, on="path", how="left", validate="one_to_one")
    manifest = manifest.drop(columns="score")
    write_manifest(manifest, out / "manifest.csv")
    skipped = skipped + _reported(jobs)
    listed = pd.DataFrame([asdict(item) for item in skipped], columns=["path", "reason"])
    with files.atomic_path(out / "skipped.csv") as temporary:
        listed.to_csv(temporary, index=False, lineterminator="\n")
    shards = {of.name: ShardFacts(of.count, of.bytes, of.sha256) for of in reports}
    index = index_of(source, options, shards, manifest, plan)
    files.write_json(out / INDEX_NAME, index)
    counts = {name: int((manifest["split"] == name).sum()) for name in SPLITS}
    by = {name: int((manifest["face"] == name).sum()) for name in ("found", "whole", "given")}
    return PrepareResult(out, counts, by["found"], by["whole"], skipped, by["given"])
