"""Whether record shards are what `prepare` wrote, what to do where not, and what is in them."""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from keras_dldl._utils import files
from keras_dldl._utils.arguments import first_few
from keras_dldl._utils.files import sha256_of
from keras_dldl._utils.progress import progress
from keras_dldl.data.manifest import SPLITS
from keras_dldl.data.prepared import PreparedData, PreparedFolder, ShardFacts
from keras_dldl.errors import DataError

log = logging.getLogger(__name__)
MOST_THREADS = 4
# What TensorFlow makes of an error in a function of ours that it calls.
NOT_NAMED = ("InvalidArgumentError", "UnknownError")


@dataclass(frozen=True)
class Damage:
    """One shard that is not what the index says.

    Args:
        shard: its file.
        state: "missing", "unreadable", "cut short", "altered", or "other records" where it is whole
            and its faces are not where `index.csv` says.
        expected: what the index says.
        found: what is there.
    """

    shard: Path
    state: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.shard}: {self.state}: expected {self.expected}, found {self.found}"


def damage_of(shard: Path, facts: ShardFacts) -> Damage | None:
    """Compare one shard with the index: its size, then its checksum."""
    whole = f"{facts.records:,} records, {facts.bytes:,} bytes"
    try:
        size = shard.stat().st_size
        if size != facts.bytes:
            state = "cut short" if size < facts.bytes else "altered"
            return Damage(shard, state, f"{facts.bytes:,} bytes", f"{size:,}")
        digest = sha256_of(shard)
    except FileNotFoundError:
        return Damage(shard, "missing", whole, "no such file")
    except OSError as error:
        return Damage(shard, "unreadable", whole, error.strerror or str(error))
    if digest == facts.sha256:
        return None
    return Damage(shard, "altered", f"SHA-256 {facts.sha256}", digest)


def damaged_shards(folder: PreparedFolder, splits: Sequence[str] = SPLITS) -> list[Damage]:
    """Return what is wrong with the shards that hold faces of these splits, in their order.

    All of every shard is read, which costs less than one epoch does; several at a time.
    """
    jobs = [(folder.faces / name, folder.facts[name]) for name in folder.shards_of(splits)]
    found = []
    pool = ThreadPoolExecutor(MOST_THREADS)
    with progress(total=len(jobs), label="checking records") as bar:
        bar.leave = False
        try:
            for damage in pool.map(lambda job: damage_of(*job), jobs):
                found += [] if damage is None else [damage]
                bar.update()
        finally:
            pool.shutdown(cancel_futures=True)
    return found


def check_records(
    data: PreparedData, splits: Sequence[str], on_damaged: str = "fail"
) -> list[Damage]:
    """Check the records of these splits before they are used.

    Args:
        data: with "skip", the damaged shards and their rows leave it.
        splits: those that will be read.
        on_damaged: "fail" or "skip".

    Returns:
        What was skipped.

    Raises:
        DataError: shards are damaged and `on_damaged` is "fail".
    """
    damage = _damage_in(data, splits)
    if damage and on_damaged == "fail":
        raise _damage_error(damage)
    for of in damage:
        log.warning("Left out, with its rows: %s", of)
    if damage:
        data.leave_out(of.shard for of in damage)
    return damage


@contextmanager
def damage_named(data: PreparedData, splits: Sequence[str]) -> Iterator[None]:
    """Have an error of TensorFlow about a shard that was damaged since it was checked name it."""
    try:
        yield
    except Exception as error:
        damage = _damage_in(data, splits) if type(error).__name__ in NOT_NAMED else []
        if not damage:
            raise
        raise _damage_error(damage) from error


def _damage_in(data: PreparedData, splits: Sequence[str]) -> list[Damage]:
    return [of for folder in data.folders for of in damaged_shards(folder, splits)]


def _damage_error(damage: Sequence[Damage]) -> DataError:
    listed = first_few([str(of) for of in damage], divider="; ")
    return DataError(
        "Record shards must be as `keras-dldl prepare` wrote them. `keras-dldl prepare`, called "
        "again with the same arguments, writes damaged shards again; training continues without "
        f"them by --on-damaged-shard skip. Received: {listed}"
    )


def verify(path: str | os.PathLike) -> dict[str, Any]:
    """Compare every shard of a folder with its checksum, and each face with its own.

    Returns:
        Plain JSON values: the folder, its totals, what is `bad`, and how many seconds it took.

    Raises:
        DataError: the folder is not prepared data.
    """
    begun = time.perf_counter()
    folder = PreparedFolder.open(path)
    damage = damaged_shards(folder)
    damage += _with_other_records(folder, {of.shard.name for of in damage})
    damage.sort(key=lambda of: of.shard)
    return {
        "data": str(folder.path),
        **_totals(folder),
        "bad": [{**asdict(of), "shard": of.shard.name} for of in damage],
        "seconds": round(time.perf_counter() - begun, 3),
    }


def describe(path: str | os.PathLike) -> dict[str, Any]:
    """Return what a folder holds, from its index and manifest alone, as plain JSON values.

    Raises:
        DataError: the folder is not prepared data.
    """
    folder = PreparedFolder.open(path)
    names = ("format", "faces", "source", "root", "grid", "size", "alignment", "split", "whole")
    return {
        "data": str(folder.path),
        **{name: folder.index.get(name) for name in names},
        **_totals(folder),
        "splits": {
            split: {
                "faces": len(folder.rows(split)),
                "bytes": int(folder.records(split).size.sum()),
            }
            for split in SPLITS
        },
    }


def extract(path: str | os.PathLike, out: str | os.PathLike, split: str | None = None) -> int:
    """Write the faces of a folder as image files, each under its path in the manifest.

    Every file is a JPEG file, whatever the name that its photo has.

    Args:
        path: prepared data.
        out: the folder to write; files of these names in it are replaced.
        split: only the faces of this split.

    Returns:
        The number of files.

    Raises:
        DataError: the folder is not prepared data, has no such faces, or is damaged.
        OSError: `out` cannot be written.
    """
    folder = PreparedFolder.open(path)
    splits = [] if split is None else [split]
    names, records = iter(folder.rows(*splits)["path"]), folder.records(*splits)
    if not len(records):
        raise DataError(f"There must be faces to write. Received: {path} with none of {split}")
    with progress(total=len(records), label="writing images") as bar:
        for part in records.parts():
            for face in part:
                files.write_bytes(Path(out) / next(names), face)
            bar.update(len(part))
    return len(records)


def _totals(folder: PreparedFolder) -> dict[str, int]:
    facts = folder.facts.values()
    return {
        "shards": len(facts),
        "records": sum(of.records for of in facts),
        "bytes": sum(of.bytes for of in facts),
    }


def _with_other_records(folder: PreparedFolder, bad: set[str]) -> list[Damage]:
    """Return the shards, but for the `bad` ones, whose faces are not where the index has them."""
    records, paths = folder.records(), folder.rows()["path"]
    found: dict[Path, Damage] = {}
    with progress(total=len(records), label="comparing with the index") as bar:
        bar.leave = False
        for number, path in enumerate(paths):
            shard = records.shards[records.shard[number]]
            if shard.name not in bad and shard not in found:
                try:
                    records.read([number])
                except DataError:
                    place = f"{path}, {records.size[number]:,} bytes at {records.offset[number]:,}"
                    found[shard] = Damage(shard, "other records", place, "no such record there")
            bar.update()
    return list(found.values())
