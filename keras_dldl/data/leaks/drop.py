"""`prepare --drop-leaks`: after all shards are written, faces that leak are taken out again.

What is to go is decided from the whole shards and noted in one file, before any shard is touched;
taking it out of a shard that lacks it already changes nothing. So a run may be killed anywhere.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from keras_dldl import files
from keras_dldl.data.faces_writer import ShardJob, ShardReport, note_checksum, read_report
from keras_dldl.data.leaks.fingerprints import Fingerprints, fingerprint_all
from keras_dldl.data.leaks.reading import shard_faces
from keras_dldl.data.leaks.search import find_pairs, groups_of, leaking
from keras_dldl.data.records import Record, read_shards, write_shard
from keras_dldl.data.sources.base import Skipped

NOTE_NAME = "leaks.json"


def drop_leaks(out: Path, jobs: list[ShardJob]) -> list[Skipped]:
    """Take the faces that are also in a part held out more out of finished shards, and of crops.

    Of a picture that occurs in several parts, test keeps its copies, else validation does.

    Args:
        out: the folder that is being prepared.
        jobs: all its shards, all done.

    Returns:
        Path and reason of each face taken out. A second call returns the same.

    Raises:
        DataError: a shard is damaged.
        OSError: a file cannot be written.
    """
    note = out / ".progress" / NOTE_NAME
    if not note.exists():
        files.write_json(note, _decide(jobs))
    dropped = json.loads(note.read_text(encoding="utf-8"))
    for job in jobs:
        report = read_report(job.report_path)
        if any(face["path"] in dropped for face in report.faces):
            # The shard first: a report that says more than its shard holds brings us here again.
            _rewrite(job.shard_path, dropped)
            report = note_checksum(_without(report, dropped), job.shard_path)
            files.write_json(job.report_path, asdict(report))
    for path in dropped:
        (out / "crops" / path).unlink(missing_ok=True)
    return [Skipped(path, reason) for path, reason in dropped.items()]


def _without(report: ShardReport, dropped: dict[str, str]) -> ShardReport:
    """Return a shard's report as it is once the dropped faces are out of the shard."""
    kept = [face for face in report.faces if face["path"] not in dropped]
    # A new one: size and checksum of the shard are true no more.
    return ShardReport(report.name, len(kept), kept, report.skipped)


def _decide(jobs: list[ShardJob]) -> dict[str, str]:
    """Search until nothing more is found: the search is relative to the set's mean face."""
    paths, parts, prints = _read(jobs)
    kept, dropped = np.arange(len(paths)), {}
    while True:
        leaks = _leaks_among(prints.take(kept), parts[kept])
        for i, keeper in leaks.items():
            there = paths[kept[keeper]], parts[kept[keeper]]
            dropped[paths[kept[i]]] = f"the same picture is in {there[1]}: {there[0]}"
        if not leaks:
            return dict(sorted(dropped.items()))
        kept = np.delete(kept, list(leaks))


def _leaks_among(prints: Fingerprints, parts: np.ndarray) -> dict[int, int]:
    return leaking(parts, groups_of(find_pairs(prints, parts), len(prints)))


def _read(jobs: list[ShardJob]) -> tuple[list[str], np.ndarray, Fingerprints]:
    faces = (
        ((path, _part_of(job)), encoded)
        for job in jobs
        for path, encoded in shard_faces(job.shard_path)
    )
    most = sum(read_report(job.report_path).count for job in jobs)
    keys, prints, _ = fingerprint_all(faces, most)
    return [path for path, _ in keys], np.array([part for _, part in keys], object), prints


def _part_of(job: ShardJob) -> str:
    return job.name.partition("-")[0]


def _rewrite(shard: Path, dropped: dict[str, str]) -> None:
    records = list(_records(shard))
    kept = [record for record in records if record.path not in dropped]
    if len(kept) < len(records):
        write_shard(kept, shard)


def _records(shard: Path) -> Iterable[Record]:
    for part in read_shards([shard]):
        for image, label, sigma, path in zip(*part, strict=True):
            yield Record(image, float(label), float(sigma), path.decode("utf-8"))
