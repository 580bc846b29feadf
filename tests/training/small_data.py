"""A prepared folder of a few tiny faces that training, its command and its resume are tested on."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from keras_dldl.data.records.tfrecord import NO_SIGMA, Record, encode_jpeg, write_shard
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import LabelGrid

SMALL = {"input_size": 32, "batch_size": 8, "epochs": 2}


def write_small_data(
    folder: Path, train: int = 20, val: int = 6, seed: int = 0, grid: LabelGrid | None = None
) -> Path:
    """Write `train` + `val` faces of 32 x 32 pixels, the brighter the older; return `folder`.

    With `grid` the labels are anywhere on it, else whole years.
    """
    rng = np.random.default_rng(seed)
    rows, shards = [], {}
    for split, count in (("train", train), ("val", val)):
        if not count:
            continue
        labels = rng.integers(0, 101, count).astype(float)
        if grid is not None:
            labels = rng.uniform(grid.start, grid.stop, count)
        names = [f"{split}/{index:03d}.jpg" for index in range(count)]
        records = [
            Record(encode_jpeg(_face(label, rng)), label, NO_SIGMA, name)
            for label, name in zip(labels, names, strict=True)
        ]
        write_shard(records, folder / "records" / f"{split}-00000.tfrecord")
        shards[f"{split}-00000.tfrecord"] = count
        rows += [(name, label, split, "found") for name, label in zip(names, labels, strict=True)]
    columns = ["path", "label", "split", "face"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "manifest.csv", index=False)
    index = {
        "format": 1,
        "source": "synthetic",
        "root": ".",
        "grid": (grid or LabelGrid.age()).get_config(),
        "size": 32,
        "alignment": Alignment().get_config(),
        "shards": shards,
    }
    (folder / "dataset.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


def _face(label: float, rng: np.random.Generator) -> np.ndarray:
    return np.clip(rng.normal(40 + 1.5 * label, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
