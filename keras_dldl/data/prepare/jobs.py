"""The shards of a run: what is to be done for each, and what became of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from keras_dldl._utils.arguments import first_few
from keras_dldl._utils.files import sha256_of
from keras_dldl.data.prepare.given_landmarks import Landmarks
from keras_dldl.data.prepare.options import PrepareOptions
from keras_dldl.data.prepared import FACES
from keras_dldl.data.sources.base import Skipped
from keras_dldl.data.splits.protocol import scattered
from keras_dldl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

ROWS_PER_SHARD = 256


@dataclass(frozen=True)
class ShardJob:
    """All that a worker needs; small, so that it travels to another process.

    Args:
        name: the shard's file name.
        paths: of its images, in order.
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
        skipped: path and reason of each image left out.
        bytes: size of the shard.
        sha256: its checksum.
    """

    name: str
    faces: list[dict] = field(default_factory=list)
    skipped: list[dict] = field(default_factory=list)
    bytes: int = 0
    sha256: str = ""


def read_report(path: Path) -> ShardReport:
    """Read the report of a finished shard."""
    return ShardReport(**json.loads(path.read_text(encoding="utf-8")))


def is_done(job: ShardJob) -> bool:
    """Tell whether the shard is written, and still is what was written."""
    if not (job.report_path.exists() and job.shard_path.exists()):
        return False
    report = read_report(job.report_path)
    return job.shard_path.stat().st_size == report.bytes and (
        sha256_of(job.shard_path) == report.sha256
    )


def jobs_of(
    table: "pd.DataFrame", given: Mapping[str, Landmarks], root: Path, out: Path,
    options: PrepareOptions,
) -> Iterator[ShardJob]:  # fmt: skip
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
        named = first_few([f"{item.path}: {item.reason}" for item in skipped], divider="; ")
        raise DataError(
            "With --strict, every image of the data set must be usable; mend or remove those that "
            f"are not, or call without --strict to leave them out. Received: {named}"
        )
