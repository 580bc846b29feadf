"""From a data set in its published layout to aligned faces: manifest, records, crops."""

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
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
from keras_dldl.data.manifest import SPLITS, row_problems, write_manifest
from keras_dldl.data.output import begin_output, check_output, remove_leftovers
from keras_dldl.data.prepared import INDEX_NAME, ShardFacts, index_of
from keras_dldl.data.sources.base import Skipped, Source
from keras_dldl.data.splits import assign_splits, check_shares
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.images import pixel_limit
from keras_dldl.progress import progress

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
ROWS_PER_SHARD = 256
MOST_WORKERS = 8


@dataclass(frozen=True)
class PrepareOptions:
    """How to prepare a data set.

    Args:
        size: side of the aligned faces in pixels, 32 ... 1024.
        margin: border around the face, see `faces.Alignment`.
        on_missing: where no face is found: "whole" takes the whole image (the paper's way),
            "skip" leaves it out, "fail" stops.
        val: share of validation rows, where the source does not say.
        test: share of test rows, likewise.
        seed: of the split.
        crops: also write every aligned face as an image file, under `crops/`.
        workers: processes; 0 means one for every core this process may use, 8 at most.
        limit: only this many rows, spread evenly over the data set; 0 means all.
        max_pixels: of the largest image to read, see `faces.read_image`; larger ones are skipped.
    """

    size: int = 224
    margin: float = Alignment.margin
    on_missing: str = "whole"
    val: float = 0.1
    test: float = 0.1
    seed: int = 0
    crops: bool = True
    workers: int = 0
    limit: int = 0
    max_pixels: int | None = None

    def __post_init__(self):
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
        check_shares(self.val, self.test)
        Alignment(self.margin)  # checks it
        if self.max_pixels is not None:
            pixel_limit(self.max_pixels)


@dataclass
class PrepareResult:
    """What `prepare` made: folder, faces by split, faces found or taken whole, images left out."""

    out: Path
    counts: dict[str, int]
    found: int
    whole: int
    skipped: list[Skipped]


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
    table, off_grid = _on_grid(rows.table, source)
    table = _spread(table, options.limit)
    table["split"] = assign_splits(table, options.val, options.test, options.seed)
    _warn_of_empty_splits(table, options)
    plan = {**_call(source, root, options), **_content(table)}
    begin_output(out, plan)
    jobs = list(_jobs(table, root, out, options))
    if run_jobs is None:
        _run_all(jobs, options.workers)
    else:
        run_jobs(jobs)
    return _finish(out, source, table, jobs, options, rows.skipped + off_grid, plan)


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


def _warn_of_empty_splits(table: "pd.DataFrame", options: PrepareOptions) -> None:
    for split, share in (("val", options.val), ("test", options.test)):
        if share > 0 and not (table["split"] == split).any():
            log.warning(
                "No row is drawn for the split %r: %d rows are too few for a share of %g. "
                "Raise the share, try another seed, or give splits in the data.",
                split, len(table), share,
            )  # fmt: skip


def _call(source: Source, root: Path, options: PrepareOptions) -> dict:
    """Return what decides the output, and is known before the data set is read.

    With `_content` it is the plan, by which a run to continue is told from another one.
    """
    chosen = {name: value for name, value in asdict(options).items() if value is not None}
    del chosen["workers"]
    return {"source": source.name, "root": os.fspath(root), "options": chosen}


def _content(table: "pd.DataFrame") -> dict:
    import pandas as pd

    content = pd.util.hash_pandas_object(table.astype(str), index=False).to_numpy()
    return {"rows": len(table), "rows_hash": f"{int(content.sum()):016x}"}


def _jobs(
    table: "pd.DataFrame", root: Path, out: Path, options: PrepareOptions
) -> Iterator[ShardJob]:
    import numpy as np

    for split in SPLITS:
        part = table[table["split"] == split]
        # Neighbours in a data set's order are alike (one age, one person): spread them over shards,
        # so that reading shard by shard is already a rough shuffle.
        part = part.iloc[np.random.default_rng(options.seed).permutation(len(part))]
        shards = -(-len(part) // ROWS_PER_SHARD)
        for k in range(shards):
            chunk = part.iloc[k * ROWS_PER_SHARD : (k + 1) * ROWS_PER_SHARD]
            sigma = chunk["sigma"] if "sigma" in chunk else [float("nan")] * len(chunk)
            rows = tuple(
                zip(chunk["path"], map(float, chunk["label"]), map(float, sigma), strict=True)
            )
            name = f"{split}-{k:05d}-of-{shards:05d}.tfrecord"
            yield ShardJob(
                name, rows, str(root), str(out), options.size, options.margin,
                options.on_missing, options.crops, options.max_pixels,
            )  # fmt: skip


def _run_all(jobs: list[ShardJob], workers: int) -> None:
    """Run the jobs that are not done, here or in several processes, and show the progress."""
    open_jobs = _not_done(jobs)
    cores = _cores()
    workers = min(workers or min(cores, MOST_WORKERS), len(open_jobs))
    done = sum(len(job.rows) for job in jobs) - sum(len(job.rows) for job in open_jobs)
    with progress(total=sum(len(job.rows) for job in jobs), label="aligning faces") as bar:
        bar.update(done)
        if workers <= 1:
            for job in open_jobs:
                run_job(job)
                bar.update(len(job.rows))
            return
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
    skipped = skipped + [Skipped(**item) for report in reports for item in report.skipped]
    listed = pd.DataFrame([asdict(item) for item in skipped], columns=["path", "reason"])
    with files.atomic_path(out / "skipped.csv") as temporary:
        listed.to_csv(temporary, index=False, lineterminator="\n")
    shards = {of.name: ShardFacts(of.count, of.bytes, of.sha256) for of in reports}
    index = index_of(source, options, shards, manifest, plan)
    files.write_json(out / INDEX_NAME, index)
    counts = {name: int((manifest["split"] == name).sum()) for name in SPLITS}
    found = int((manifest["face"] == "found").sum())
    return PrepareResult(out, counts, found, len(manifest) - found, skipped)
