"""What `keras-dldl records` does: says whether a folder is whole and what is in it, extracts it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_dldl._utils import files
from keras_dldl._utils.progress import progress
from keras_dldl.data.manifest import SPLITS
from keras_dldl.data.prepared import PreparedFolder
from keras_dldl.data.records.integrity import Damage, damaged_shards
from keras_dldl.errors import DataError


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
