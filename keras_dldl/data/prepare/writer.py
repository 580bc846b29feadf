"""One shard of work in `prepare`: read images, find and align faces, write records and crops."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np

from keras_dldl import files
from keras_dldl.data.prepare.given_landmarks import cut_faces
from keras_dldl.data.prepare.jobs import (
    ON_MISSING,
    Row,
    ShardJob,
    ShardReport,
    is_done,
    note_checksum,
)
from keras_dldl.data.prepare.strict import refuse_skipped
from keras_dldl.data.records.tfrecord import NO_SIGMA, Record, encode_jpeg, write_shard
from keras_dldl.data.sources.base import Skipped
from keras_dldl.errors import DataError, UnreadableImage
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.grouping import groups
from keras_dldl.faces.photo import Photo

# Crops with these names keep every pixel; any other name holds the JPEG of the records.
LOSSLESS = {".png": "PNG", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF"}


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


@cache
def _aligner(margin: float, detector: str) -> FaceAligner:
    return FaceAligner(Alignment(margin, detector))


def _records(job: ShardJob, report: ShardReport) -> Iterator[Record]:
    for group in groups(_read(job, report)):
        readable = [(row, photo) for row, photo in group if photo is not None]
        del group
        yield from _records_of(job, readable, report)
        del readable  # before the next group is read


def _read(job: ShardJob, report: ShardReport) -> Iterator[tuple[Row, Photo | None]]:
    for row in job.rows:
        try:
            yield row, Photo(Path(job.root) / row[0], name=row[0], max_pixels=job.max_pixels)
        except UnreadableImage as error:
            _skip(job, row[0], str(error).removeprefix(f"{row[0]}: "), report)
            yield row, None


def _skip(job: ShardJob, path: str, reason: str, report: ShardReport) -> None:
    if job.strict:
        refuse_skipped([Skipped(path, reason)])
    report.skipped.append({"path": path, "reason": reason})


def _records_of(
    job: ShardJob, readable: list[tuple[Row, Photo]], report: ShardReport
) -> Iterator[Record]:
    paths, photos = [row[0] for row, _ in readable], [photo for _, photo in readable]
    cut = cut_faces(_aligner(job.margin, job.detector), paths, photos, job.landmarks, job.size)
    for ((path, label, sigma), _), (crop, face, score) in zip(readable, cut, strict=True):
        if crop is None:
            _skip(job, path, face, report)
            continue
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
