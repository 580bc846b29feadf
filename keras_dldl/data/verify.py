"""What `keras-dldl records` tells of a prepared folder: whether it is whole, and what is in it."""

import os
import time
from dataclasses import dataclass
from typing import Any

from keras_dldl.data.integrity import Damage, damaged_shards
from keras_dldl.data.manifest import SPLITS
from keras_dldl.data.prepared import PreparedFolder
from keras_dldl.data.records import read_shards
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
            "checksums": self.folder.has_checksums,
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
    """Compare every shard of a folder with the index, and every record with the manifest.

    Raises:
        DataError: the folder is not prepared data.
    """
    begun = time.perf_counter()
    folder = PreparedFolder.open(path)
    damage = damaged_shards(folder)
    damage += _with_other_rows(folder, {of.shard.name for of in damage})
    damage.sort(key=lambda of: of.shard)
    return Verification(folder, damage, time.perf_counter() - begun)


def describe(path: str | os.PathLike) -> dict[str, Any]:
    """Return what a folder holds, from its index and manifest alone, as plain JSON values.

    Raises:
        DataError: the folder is not prepared data.
    """
    folder = PreparedFolder.open(path)
    names = ("source", "root", "grid", "size", "alignment", "whole", "schema")
    return {
        "data": str(folder.path),
        "format": folder.index["format"],
        **{name: folder.index.get(name) for name in names},
        "checksums": folder.has_checksums,
        **_totals(folder),
        "splits": {
            split: {"faces": len(folder.rows(split)), **_sums(folder, split)} for split in SPLITS
        },
    }


def _totals(folder: PreparedFolder) -> dict[str, int]:
    sums = [_sums(folder, split) for split in SPLITS]
    return {name: sum(of[name] for of in sums) for name in sums[0]}


def _sums(folder: PreparedFolder, split: str) -> dict[str, int]:
    """Return shards, records and bytes of a split; bytes as they are, where the index has none."""
    facts = folder.facts(split)
    sizes = [_size(folder, name) if of.bytes is None else of.bytes for name, of in facts.items()]
    records = sum(of.records for of in facts.values())
    return {"shards": len(facts), "records": records, "bytes": sum(sizes)}


def _size(folder: PreparedFolder, name: str) -> int:
    path = folder.shard(name)
    return path.stat().st_size if path.exists() else 0


def _with_other_rows(folder: PreparedFolder, bad: set[str]) -> list[Damage]:
    """Return the shards, but for the `bad` ones, whose records are not the manifest's rows."""
    found = []
    shards = sum(len(folder.facts(split)) for split in SPLITS)
    with progress(total=shards, label="comparing with the manifest") as bar:
        bar.leave = False
        for split in SPLITS:
            rows, first = folder.rows(split), 0
            for name, facts in folder.facts(split).items():
                part = rows.iloc[first : first + facts.records]
                first += facts.records
                if name not in bad:
                    found.append(_other_rows(folder, name, part))
                bar.update()
            if first < len(rows) and folder.facts(split):
                found.append(_without_record(folder, name, rows["path"][first], len(rows) - first))
    return [of for of in found if of is not None]


def _other_rows(folder: PreparedFolder, name: str, rows) -> Damage | None:
    import numpy as np

    shard = folder.shard(name)
    labels, position = rows["label"].to_numpy(np.float32), 0
    wanted = rows["path"].tolist()
    for stored, paths in read_shards([shard], ("label", "path")):
        for path, label in zip((path.decode("utf-8") for path in paths), stored, strict=True):
            if position >= len(wanted):
                return Damage(shard, "other rows", "no row", f"record {position + 1}, {path}")
            if (path, label) != (wanted[position], labels[position]):
                expected = f"{wanted[position]} with label {labels[position]:g}"
                found = f"{path} with label {label:g} as record {position + 1}"
                return Damage(shard, "other rows", expected, found)
            position += 1
    return None


def _without_record(folder: PreparedFolder, name: str, path: str, count: int) -> Damage:
    expected = f"the records of {count} more rows, the first {path}"
    return Damage(folder.shard(name), "other rows", expected, "the end of the last shard")
