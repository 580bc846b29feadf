"""What `keras-dldl records` tells of a prepared folder: whether it is whole, and what is in it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_dldl.data.manifest import SPLITS
from keras_dldl.data.prepared import PreparedFolder
from keras_dldl.data.records.integrity import Damage, damaged_shards
from keras_dldl.errors import DataError
from keras_dldl.progress import progress


@dataclass(frozen=True)
class Verification:
    """What a look at every record of a folder gave.

    Args:
        folder: the folder.
        damage: the bad shards.
        seconds: how long it took.
    """

    folder: PreparedFolder
    damage: list[Damage]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "data": str(self.folder.path),
            **_totals(self.folder),
            "bad": [
                {
                    "shard": of.shard.name,
                    "state": of.state,
                    "expected": of.expected,
                    "found": of.found,
                }
                for of in self.damage
            ],
            "seconds": round(self.seconds, 3),
        }


def verify(path: str | os.PathLike) -> Verification:
    """Compare every shard with faces of the folder with its checksum, and each face with its own.

    Raises:
        DataError: the folder is not prepared data.
    """
    begun = time.perf_counter()
    folder = PreparedFolder.open(path)
    damage = damaged_shards(folder)
    damage += _with_other_records(folder, {of.shard.name for of in damage})
    damage.sort(key=lambda of: of.shard)
    return Verification(folder, damage, time.perf_counter() - begun)


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
