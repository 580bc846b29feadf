"""The shards of a run: what is to be done for each, and what became of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from keras_dldl.data.prepare.given_landmarks import Landmarks
from keras_dldl.data.prepared import FACES
from keras_dldl.data.records.shards import ROWS_PER_SHARD, shards_of
from keras_dldl.files import sha256_of

if TYPE_CHECKING:
    import pandas as pd

    from keras_dldl.data.prepare.options import PrepareOptions

ON_MISSING = ("skip", "whole", "fail")


@dataclass(frozen=True)
class ShardJob:
    """All that a worker needs; small, so that it travels to another process.

    Args:
        name: the shard's file name.
        paths: of its images, in order.
        root: folder of the images.
        out: folder of the prepared data.
        size: side of the crops in pixels.
        margin: of the alignment.
        detector: of the alignment.
        on_missing: what to do where no face is found.
        max_pixels: of the largest image to read; None leaves it to `faces.read_image`.
        landmarks: given ones by path; the faces of the other images are detected.
        strict: stop at an image that cannot be read, instead of leaving it out.
    """

    name: str
    paths: tuple[str, ...]
    root: str
    out: str
    size: int
    margin: float
    detector: str
    on_missing: str
    max_pixels: int | None = None
    landmarks: Mapping[str, Landmarks] = field(default_factory=dict)
    strict: bool = False

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
    table: "pd.DataFrame", given: dict[str, Landmarks], root: Path, out: Path,
    options: "PrepareOptions",
) -> Iterator[ShardJob]:  # fmt: skip
    """Yield the shards that the rows of `table` make; `given` are landmarks by path."""
    for name, chunk in shards_of(table, ROWS_PER_SHARD):
        yield ShardJob(
            name=name,
            paths=tuple(chunk["path"]),
            root=str(root),
            out=str(out),
            size=options.size,
            margin=options.margin,
            detector=options.detector,
            on_missing=options.on_missing,
            max_pixels=options.max_pixels,
            landmarks={path: given[path] for path in chunk["path"] if path in given},
            strict=options.strict,
        )
