"""Whether record shards are what `prepare` wrote, and what to do where they are not."""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keras_dldl._utils.arguments import first_few
from keras_dldl._utils.files import sha256_of
from keras_dldl._utils.progress import progress
from keras_dldl.data.manifest import SPLITS
from keras_dldl.data.prepared import PreparedData, PreparedFolder, ShardFacts
from keras_dldl.errors import DataError

log = logging.getLogger(__name__)
ON_DAMAGED = ("fail", "skip")
MOST_THREADS = 4
REMEDY = "`keras-dldl prepare`, called again with the same arguments, writes damaged shards again"
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
    jobs = [(folder.shard(name), folder.facts[name]) for name in folder.shards_of(splits)]
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
        DataError: shards are damaged and `on_damaged` is "fail".
    """
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
    listed = first_few([str(of) for of in damage], divider="; ")
    return DataError(
        f"Record shards must be as `keras-dldl prepare` wrote them. {REMEDY}; training goes on "
        f"without them by --on-damaged-shard skip. Received: {listed}"
    )


@contextmanager
def damage_named(data: PreparedData, splits: Sequence[str]) -> Iterator[None]:
    """Have an error of TensorFlow about a shard that was damaged since it was checked name it."""
    try:
        yield
    except Exception as error:
        if type(error).__name__ not in NOT_NAMED:
            raise
        damage = [of for folder in data.folders for of in damaged_shards(folder, splits)]
        if not damage:
            raise
        raise damage_error(damage) from error
