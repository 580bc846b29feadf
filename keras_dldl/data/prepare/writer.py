"""One shard of work in `prepare`: read images, find and align faces, write them and a report."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path

from keras_dldl._utils import files
from keras_dldl._utils.files import sha256_of
from keras_dldl.data.prepare.given_landmarks import cut_faces
from keras_dldl.data.prepare.jobs import ShardJob, ShardReport, is_done, refuse_skipped
from keras_dldl.data.prepare.options import ON_MISSING
from keras_dldl.data.records import encode_jpeg, write_shard
from keras_dldl.data.sources.base import Skipped
from keras_dldl.errors import ConfigError, DataError, UnreadableImage
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.detectors import detector_here
from keras_dldl.faces.detectors.networks import WHEEL
from keras_dldl.faces.grouping import groups
from keras_dldl.faces.photo import Photo


def run_job(job: ShardJob) -> str:
    """Do one shard; return its name. A shard that is already done is left as it is."""
    if is_done(job):
        return job.name
    report = ShardReport(job.name)
    places = write_shard(list(_encoded_faces(job, report)), job.shard_path)
    for face, place in zip(report.faces, places, strict=True):
        face.update(offset=place.offset, bytes=place.size)
    report.bytes = job.shard_path.stat().st_size
    report.sha256 = sha256_of(job.shard_path)
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
    for group in groups(_read(job, report)):
        readable = [(path, photo) for path, photo in group if photo is not None]
        del group
        yield from _encoded_of(job, readable, report)
        del readable  # before the next group is read


def _read(job: ShardJob, report: ShardReport) -> Iterator[tuple[str, Photo | None]]:
    for path in job.paths:
        try:
            yield path, Photo(Path(job.root) / path, name=path, max_pixels=job.options.max_pixels)
        except UnreadableImage as error:
            _skip(job, path, str(error).removeprefix(f"{path}: "), report)
            yield path, None


def _skip(job: ShardJob, path: str, reason: str, report: ShardReport) -> None:
    if job.options.strict:
        refuse_skipped([Skipped(path, reason)])
    report.skipped.append({"path": path, "reason": reason})


def _encoded_of(
    job: ShardJob, readable: list[tuple[str, Photo]], report: ShardReport
) -> Iterator[bytes]:
    options = job.options
    paths, photos = [path for path, _ in readable], [photo for _, photo in readable]
    aligner = _aligner(options.margin, options.detector)
    cut = cut_faces(aligner, paths, photos, job.landmarks, options.size)
    for path, (crop, face, score) in zip(paths, cut, strict=True):
        if crop is None:
            _skip(job, path, face, report)
            continue
        if face == "whole" and options.on_missing == "fail":
            raise DataError(
                f"No face found, and --on-missing is fail; allowed are {', '.join(ON_MISSING)}. "
                f"Received: {path}"
            )
        if face == "whole" and options.on_missing == "skip":
            report.skipped.append({"path": path, "reason": "no face found"})
            continue
        score = None if score is None else round(score, 4)
        report.faces.append({"path": path, "face": face, "score": score})
        yield encode_jpeg(crop)
