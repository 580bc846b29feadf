"""Whether record shards are what `prepare` wrote, and what to do where they are not."""

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keras_dldl.backends import is_installed
from keras_dldl.data.manifest import SPLITS
from keras_dldl.data.prepared import PreparedData, PreparedFolder, ShardFacts
from keras_dldl.data.records.examples import read_examples
from keras_dldl.data.records.tfrecord import error_text
from keras_dldl.errors import DataError
from keras_dldl.files import sha256_of
from keras_dldl.progress import progress

log = logging.getLogger(__name__)
ON_DAMAGED = ("fail", "skip")
MOST_THREADS = 4
SHOWN = 5
REMEDY = "`keras-dldl prepare`, called again with the same arguments, writes damaged shards anew"


@dataclass(frozen=True)
class Damage:
    """One shard that is not what the index says.

    Args:
        shard: its file.
        state: "missing", "unreadable", "cut short", "altered", or "other rows" where it is whole
            and its faces are not those of the manifest.
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
    """Compare one shard with the index: its size, then its checksum.

    A shard of a folder without checksums is read through instead: by the checksums that TFRecord
    files hold themselves, and by the number of records.
    """
    try:
        if facts.sha256 is None:
            return _damage_by_records(shard, facts)
        size = shard.stat().st_size
        if size != facts.bytes:
            state = "cut short" if size < facts.bytes else "altered"
            return Damage(shard, state, f"{facts.bytes:,} bytes", f"{size:,}")
        digest = sha256_of(shard)
    except FileNotFoundError:
        return Damage(shard, "missing", _expected(facts), "no such file")
    except OSError as error:
        return Damage(shard, "unreadable", _expected(facts), error.strerror or str(error))
    if digest == facts.sha256:
        return None
    return Damage(shard, "altered", f"SHA-256 {facts.sha256}", digest)


def _expected(facts: ShardFacts) -> str:
    size = "" if facts.bytes is None else f", {facts.bytes:,} bytes"
    return f"{facts.records:,} records{size}"


def _damage_by_records(shard: Path, facts: ShardFacts) -> Damage | None:
    shard.stat()  # raises what TensorFlow would word in its own way
    try:
        count = _count_records(shard)
    except DataError as error:
        return Damage(shard, "altered", _expected(facts), str(error))
    if count == facts.records:
        return None
    state = "cut short" if count < facts.records else "altered"
    return Damage(shard, state, _expected(facts), f"{count:,}")


def _count_records(shard: Path) -> int:
    """Read all of a shard by its own checksums; raise a DataError where one does not fit."""
    if not is_installed("tensorflow"):
        return sum(1 for _ in read_examples(shard, checked=True))
    import tensorflow as tf

    try:
        return sum(len(batch) for batch in tf.data.TFRecordDataset(os.fspath(shard)).batch(64))
    except tf.errors.DataLossError as error:
        raise DataError(error_text(error)) from error


def damaged_shards(folder: PreparedFolder, splits: Sequence[str] = SPLITS) -> list[Damage]:
    """Return what is wrong with the shards of these splits that are in use, in their order.

    All of every shard is read, which costs less than one epoch does; several at a time.
    """
    jobs = [
        (folder.shard(name), facts)
        for split in splits
        for name, facts in folder.facts(split).items()
        if name not in folder.left_out
    ]
    pool = ThreadPoolExecutor(MOST_THREADS)
    with progress(total=len(jobs), label="checking records") as bar:
        bar.leave = False
        found = []
        try:
            for damage in pool.map(lambda job: damage_of(*job), jobs):
                found.append(damage)
                bar.update()
        finally:
            pool.shutdown(cancel_futures=True)
    return [damage for damage in found if damage is not None]


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
        DataError: shards are damaged and `on_damaged` is "fail"; or the manifest has other rows
            than the records.
    """
    for folder in data.folders:
        _check_counts(folder, splits)
    _tell_of_missing_checksums(data)
    damage = [of for folder in data.folders for of in damaged_shards(folder, splits)]
    if damage and on_damaged == "fail":
        raise damage_error(damage)
    for of in damage:
        log.warning("Left out, with its rows: %s", of)
    if damage:
        data.leave_out(of.shard for of in damage)
    return damage


def damage_error(damage: Sequence[Damage]) -> DataError:
    """Return the error that names damaged shards."""
    listed = "; ".join(str(of) for of in damage[:SHOWN])
    more = f"; and {len(damage) - SHOWN} more" if len(damage) > SHOWN else ""
    return DataError(
        f"Record shards must be as `keras-dldl prepare` wrote them. {REMEDY}; training goes on "
        f"without them by --on-damaged-shard skip. Received: {listed}{more}"
    )


@contextmanager
def damage_named(data: PreparedData, splits: Sequence[str]) -> Iterator[None]:
    """Have an error of TensorFlow about a shard that was damaged since it was checked name it."""
    try:
        yield
    except Exception as error:
        if type(error).__name__ not in ("DataLossError", "InvalidArgumentError", "NotFoundError"):
            raise
        damage = [of for folder in data.folders for of in damaged_shards(folder, splits)]
        if not damage:
            raise
        raise damage_error(damage) from error


def _check_counts(folder: PreparedFolder, splits: Sequence[str]) -> None:
    """Raise a DataError unless the manifest has as many rows as the index counts records."""
    for split in splits:
        facts = folder.facts(split)
        records = sum(of.records for name, of in facts.items() if name not in folder.left_out)
        rows = len(folder.rows(split))
        if facts and records != rows:
            raise DataError(
                "Records and manifest must hold the same faces; prepare the data again. Received: "
                f"{records} records and {rows} rows of split {split!r} in {folder.path}"
            )


def _tell_of_missing_checksums(data: PreparedData) -> None:
    for folder in data.folders:
        if folder.index["shards"] and not folder.has_checksums:
            log.info(
                "%s was prepared without checksums of its records: they are checked by reading "
                "them. `keras-dldl prepare`, called again with the same arguments, adds them.",
                folder.path,
            )
