"""A prepared folder of tiny faces in several shards, with the index that `prepare` writes."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from keras_dldl import files
from keras_dldl.data.prepared import ShardFacts, index_of
from keras_dldl.data.records import NO_SIGMA, Record, encode_jpeg, write_shard
from keras_dldl.labels import LabelGrid

SOURCE = SimpleNamespace(name="synthetic", grid=LabelGrid.age)
OPTIONS = SimpleNamespace(size=32, margin=0.16, chosen_split=dict)


def write_shards(folder: Path, **counts: tuple[int, ...]) -> Path:
    """Write shards with so many faces each, such as train=(5, 4), val=(3,); return `folder`."""
    rng = np.random.default_rng(0)
    rows, shards = [], {}
    for split, sizes in counts.items():
        for k, size in enumerate(sizes):
            records = [_record(f"{split}/{k}-{i}.jpg", rng) for i in range(size)]
            name = f"{split}-{k:05d}-of-{len(sizes):05d}.tfrecord"
            path = folder / "records" / name
            write_shard(records, path)
            shards[name] = ShardFacts.of_file(path, size)
            rows += [(of.path, of.label, split, "found") for of in records]
    manifest = pd.DataFrame(rows, columns=["path", "label", "split", "face"])
    manifest.to_csv(folder / "manifest.csv", index=False)
    files.write_json(
        folder / "dataset.json", index_of(SOURCE, OPTIONS, shards, manifest, {"root": "."})
    )
    return folder


def _record(path: str, rng: np.random.Generator) -> Record:
    label = float(rng.integers(0, 101))
    face = np.clip(rng.normal(40 + 1.5 * label, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
    return Record(encode_jpeg(face), label, NO_SIGMA, path)
