"""One shard of work in `prepare`: read images, find and align faces, write records and crops."""

import json
import multiprocessing
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from keras_dldl import files
from keras_dldl.data.given_landmarks import Landmarks, cut_faces
from keras_dldl.data.records import NO_SIGMA, Record, encode_jpeg, sha256_of, write_shard
from keras_dldl.data.sources.base import Skipped
from keras_dldl.data.strict import refuse_skipped
from keras_dldl.errors import DataError, UnreadableImage
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.grouping import groups
from keras_dldl.faces.images import read_image

ON_MISSING = ("skip", "whole", "fail")
# Crops with these names keep every pixel; any other name holds the JPEG of the records.
LOSSLESS = {".png": "PNG", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF"}

Row = tuple[str, float, float]


@dataclass(frozen=True)
class ShardJob:
    """All that a worker needs; small, so that it travels to another process.

    Args:
        name: the shard's file name.
        rows: (path, label, sigma) of each image, in order.
        root: folder of the images.
        out: folder of the prepared data.
        size: side of the crops in pixels.
        margin: of the alignment.
        on_missing: what to do where no face is found.
        crops: also write the crops as image files.
        max_pixels: of the largest image to read; None leaves it to `faces.read_image`.
        landmarks: given ones by path; the faces of the other images are detected.
        strict: stop at an image that cannot be read, instead of leaving it out.
    """

    name: str
    rows: tuple[Row, ...]
    root: str
    out: str
    size: int
    margin: float
    on_missing: str
    crops: bool
    max_pixels: int | None = None
    landmarks: Mapping[str, Landmarks] = field(default_factory=dict)
    strict: bool = False

    @property
    def shard_path(self) -> Path:
        """Where the shard goes."""
        return Path(self.out) / "records" / self.name

    @property
    def report_path(self) -> Path:
        """Where the shard's report goes; it is written last, so it says that the shard is done."""
        return Path(self.out) / ".progress" / f"{self.name}.json"


@dataclass
class ShardReport:
    """What became of each image of a shard.

    Args:
        name: the shard's file name.
        count: number of records in it.
        faces: for each record in order: its path, "found", "whole" or "given", and the detector's
            score.
        skipped: path and reason of each image left out.
        bytes: size of the shard.
        sha256: its checksum; None in a report of a version that made none.
    """

    name: str
    count: int = 0
    faces: list[dict] = field(default_factory=list)
    skipped: list[dict] = field(default_factory=list)
    bytes: int | None = None
    sha256: str | None = None


def read_report(path: Path) -> ShardReport:
    """Read the report of a finished shard."""
    return ShardReport(**json.loads(path.read_text(encoding="utf-8")))


def is_done(job: ShardJob) -> bool:
    """Tell whether the shard is written, and still is what was written."""
    if not (job.report_path.exists() and job.shard_path.exists()):
        return False
    report = read_report(job.report_path)
    if report.sha256 is None:
        return True
    return job.shard_path.stat().st_size == report.bytes and (
        sha256_of(job.shard_path) == report.sha256
    )


def run_job(job: ShardJob) -> str:
    """Do one shard; return its name. A shard that is already done is left as it is."""
    if is_done(job):
        return job.name
    report = ShardReport(job.name)
    records = list(_records(job, report))
    report.count = write_shard(records, job.shard_path)
    note_checksum(report, job.shard_path)
    files.write_json(job.report_path, asdict(report))
    return job.name


def note_checksum(report: ShardReport, shard: Path) -> ShardReport:
    """Note size and checksum of a shard in its report, where they are not there; return it."""
    if report.sha256 is None:
        report.bytes, report.sha256 = shard.stat().st_size, sha256_of(shard)
    return report


def start_worker(threads: int) -> None:
    """Start a worker process: TensorFlow quiet, on so many threads; it ends with its parent."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    use_threads(threads)


def _end_with_parent() -> None:
    # A parent that is killed cannot end its workers; they would wait for work for ever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def use_threads(count: int) -> None:
    """Keep TensorFlow to so many threads; a RuntimeError where it is running already."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(1)


@cache
def _aligner(margin: float) -> FaceAligner:
    return FaceAligner(Alignment(margin))


def _records(job: ShardJob, report: ShardReport) -> Iterator[Record]:
    for group in groups(_read(job, report)):
        readable = [(row, image) for row, image in group if image is not None]
        del group
        yield from _records_of(job, readable, report)
        del readable  # before the next group is read


def _read(job: ShardJob, report: ShardReport) -> Iterator[tuple[Row, np.ndarray | None]]:
    for row in job.rows:
        try:
            yield row, read_image(Path(job.root) / row[0], name=row[0], max_pixels=job.max_pixels)
        except UnreadableImage as error:
            reason = str(error).removeprefix(f"{row[0]}: ")
            if job.strict:
                refuse_skipped([Skipped(row[0], reason)])
            report.skipped.append({"path": row[0], "reason": reason})
            yield row, None


def _records_of(
    job: ShardJob, readable: list[tuple[Row, np.ndarray]], report: ShardReport
) -> Iterator[Record]:
    paths, images = [row[0] for row, _ in readable], [image for _, image in readable]
    cut = cut_faces(_aligner(job.margin), paths, images, job.landmarks, job.size)
    for ((path, label, sigma), _), (crop, face, score) in zip(readable, cut, strict=True):
        if face == "whole" and not _kept_without_face(job, path, report):
            continue
        score = None if score is None else round(score, 4)
        report.faces.append({"path": path, "face": face, "score": score})
        encoded = encode_jpeg(crop)
        if job.crops:
            _save_crop(crop, encoded, Path(job.out) / "crops" / path)
        yield Record(encoded, label, NO_SIGMA if np.isnan(sigma) else sigma, path)


def _kept_without_face(job: ShardJob, path: str, report: ShardReport) -> bool:
    if job.on_missing == "fail":
        raise DataError(
            f"No face found, and --on-missing is fail; allowed are {', '.join(ON_MISSING)}. "
            f"Received: {path}"
        )
    if job.on_missing == "skip":
        report.skipped.append({"path": path, "reason": "no face found"})
    return job.on_missing == "whole"


def _save_crop(crop: np.ndarray, encoded: bytes, path: Path) -> None:
    """Write a crop under its image's name, which need not be that of an image format at all."""
    from PIL import Image

    image_format = LOSSLESS.get(path.suffix.lower())
    if image_format is None:
        files.write_bytes(path, encoded)
        return
    with files.atomic_path(path) as temporary:
        Image.fromarray(crop).save(temporary, image_format)
