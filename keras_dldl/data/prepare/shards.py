"""The shards of a run: what is to be done for each, doing it, here or in processes, and its report.

To do a shard is to read its images, find and align faces, and write them, and last the report.
"""

import json
import multiprocessing
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from keras_dldl._utils import files
from keras_dldl._utils.arguments import first_few
from keras_dldl._utils.progress import progress
from keras_dldl._utils.threads import cores
from keras_dldl.data.integrity import damage_of
from keras_dldl.data.prepare.given_landmarks import Landmarks, cut_faces
from keras_dldl.data.prepare.options import ON_MISSING, PrepareOptions
from keras_dldl.data.prepared import FACES, ShardFacts
from keras_dldl.data.records import encode_jpeg, write_shard
from keras_dldl.data.sources.base import Skipped
from keras_dldl.data.splits.protocol import scattered
from keras_dldl.errors import ConfigError, DataError, UnreadableImage
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.batches import batched
from keras_dldl.faces.detectors import detector_here
from keras_dldl.faces.detectors.networks import WHEEL
from keras_dldl.faces.images import Photo

if TYPE_CHECKING:
    import pandas as pd

ROWS_PER_SHARD = 256
MOST_WORKERS = 8


@dataclass(frozen=True)
class ShardJob:
    """All that a worker needs; small, so that it travels to another process.

    Args:
        name: the shard's file name.
        paths: of its images, in order, relative to `root`.
        root: folder of the images.
        out: folder of the prepared data.
        options: how to prepare them.
        landmarks: given ones by path; the faces of the other images are detected.
    """

    name: str
    paths: tuple[str, ...]
    root: str
    out: str
    options: PrepareOptions
    landmarks: Mapping[str, Landmarks] = field(default_factory=dict)

    @property
    def shard_path(self) -> Path:
        """Where the shard goes."""
        return Path(self.out) / FACES / self.name

    @property
    def report_path(self) -> Path:
        """Where the shard's report goes; it is written last, so it says that the shard is done."""
        return Path(self.out) / ".progress" / f"{self.name}.json"


@dataclass
class ShardReport:
    """What became of each image of a shard.

    Args:
        name: the shard's file name.
        faces: of each record in order: its path, "found", "whole" or "given", the detector's
            score, and its place: offset and bytes.
        skipped: each image left out.
        failed: how many of them a detector of the user's own failed on.
        bytes: size of the shard.
        sha256: its checksum.
    """

    name: str
    faces: list[dict] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    bytes: int = 0
    sha256: str = ""
    failed: int = 0

    @property
    def facts(self) -> ShardFacts:
        """What the index of the data says of the shard."""
        return ShardFacts(len(self.faces), self.bytes, self.sha256)


def read_report(path: Path) -> ShardReport:
    """Read the report of a finished shard."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return ShardReport(**{**content, "skipped": [Skipped(**item) for item in content["skipped"]]})


def is_done(job: ShardJob) -> bool:
    """Tell whether the shard is written, and still is what was written."""
    if not job.report_path.exists():
        return False
    return damage_of(job.shard_path, read_report(job.report_path).facts) is None


def forget_failures(jobs: Iterable[ShardJob]) -> list[ShardJob]:
    """Have the shards done again in which a detector failed, as it may be mended since."""
    jobs = list(jobs)
    for job in jobs:
        if job.report_path.exists() and read_report(job.report_path).failed:
            job.report_path.unlink()
    return jobs


def jobs_of(
    table: "pd.DataFrame",
    given: Mapping[str, Landmarks],
    root: Path,
    out: Path,
    options: PrepareOptions,
) -> Iterator[ShardJob]:
    """Yield the shards that the rows of `table` make; `given` are landmarks by path."""
    every = scattered(table)["path"].tolist()
    count = -(-len(every) // ROWS_PER_SHARD)
    for k in range(count):
        paths = every[k * ROWS_PER_SHARD : (k + 1) * ROWS_PER_SHARD]
        landmarks = {path: given[path] for path in paths if path in given}
        name = f"{k:05d}-of-{count:05d}.tfrecord"
        yield ShardJob(name, tuple(paths), str(root), str(out), options, landmarks)


def refuse_skipped(skipped: Sequence[Skipped]) -> None:
    """Raise a DataError that names what was skipped, if anything was: `prepare --strict`."""
    if skipped:
        named = first_few(list(map(str, skipped)), divider="; ")
        raise DataError(
            "With --strict, every image of the data set must be usable; mend or remove those that "
            f"are not, or call without --strict to leave them out. Received: {named}"
        )


def run_all(jobs: list[ShardJob], workers: int) -> None:
    """Run the jobs that are not done, here or in several processes, and show the progress."""
    open_jobs = []
    with progress(total=len(jobs), label="looking for finished shards") as bar:
        bar.leave = False
        for job in jobs:  # read through, to do again what is damaged
            open_jobs += [] if is_done(job) else [job]
            bar.update()
    # Of all jobs, not the open ones: a resumed run must have as many threads to a worker.
    workers = min(workers or min(cores(), MOST_WORKERS), len(jobs))
    images = sum(len(job.paths) for job in jobs)
    with progress(total=images, label="aligning faces") as bar:
        bar.update(images - sum(len(job.paths) for job in open_jobs))
        if workers > 1 and open_jobs:
            _run_in_processes(open_jobs, workers, max(1, cores() // workers), bar)
            return
        for job in open_jobs:
            run_job(job)
            bar.update(len(job.paths))


def _run_in_processes(jobs: list[ShardJob], workers: int, threads: int, bar) -> None:
    # Spawned, not forked: TensorFlow's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, start_worker, (threads,)) as pool:
        futures = {pool.submit(run_job, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                future.result()
                bar.update(len(futures[future].paths))
        except BrokenProcessPool as error:
            raise DataError(
                "A worker process died, perhaps for want of memory. Run the same command again to "
                f"continue, with fewer --workers. Received: workers={workers}"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def start_worker(threads: int) -> None:
    """Start a worker process: TensorFlow quiet, on this many threads; it ends with its parent."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    use_threads(threads)


def _end_with_parent() -> None:
    # A parent that is killed cannot end its workers; they would wait for work forever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def use_threads(count: int) -> None:
    """Keep TensorFlow to this many threads, where it is started in this process later."""
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(count)
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"


def run_job(job: ShardJob) -> str:
    """Do one shard; return its name. A shard that is already done is left as it is."""
    if is_done(job):
        return job.name
    report = ShardReport(job.name)
    places = write_shard(list(_encoded_faces(job, report)), job.shard_path)
    for face, place in zip(report.faces, places, strict=True):
        face.update(offset=place.offset, bytes=place.size)
    facts = ShardFacts.of_file(job.shard_path, len(places))
    report.bytes, report.sha256 = facts.bytes, facts.sha256
    files.write_json(job.report_path, asdict(report))
    return job.name


@cache
def _aligner(margin: float, detector: str) -> FaceAligner:
    here = detector_here(detector)
    if here != detector:
        raise ConfigError(
            "Every worker must have the detector that the calling machine has: install "
            f"{WHEEL} there, or prepare with --detector {here}. Received: {detector}, for "
            f"which this worker would take {here}"
        )
    return FaceAligner(Alignment(margin, detector))


def _encoded_faces(job: ShardJob, report: ShardReport) -> Iterator[bytes]:
    options = job.options
    for group in batched(_read(job, report)):
        paths = [path for path, photo in group if photo is not None]
        photos = [photo for _, photo in group if photo is not None]
        del group
        aligner = _aligner(options.margin, options.detector)
        cut = cut_faces(aligner, paths, photos, job.landmarks, options.size)
        del photos  # before the next group is read
        for path, (crop, face, score) in zip(paths, cut, strict=True):
            if crop is None:
                report.failed += 1
                _skip(job, path, face, report)
                continue
            if face == "whole" and options.on_missing == "fail":
                raise DataError(
                    f"No face found, and --on-missing is fail; allowed are {', '.join(ON_MISSING)}."
                    f" Received: {path}"
                )
            if face == "whole" and options.on_missing == "skip":
                _skip(job, path, "no face found", report)
                continue
            score = None if score is None else round(score, 4)
            report.faces.append({"path": path, "face": face, "score": score})
            yield encode_jpeg(crop)


def _read(job: ShardJob, report: ShardReport) -> Iterator[tuple[str, Photo | None]]:
    for path in job.paths:
        try:
            yield path, Photo(Path(job.root) / path, name=path, max_pixels=job.options.max_pixels)
        except UnreadableImage as error:
            _skip(job, path, str(error).removeprefix(f"{path}: "), report)
            yield path, None


def _skip(job: ShardJob, path: str, reason: str, report: ShardReport) -> None:
    report.skipped.append(Skipped(path, reason))
    if job.options.strict:
        refuse_skipped(report.skipped)
