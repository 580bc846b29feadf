"""What training is tested on: a prepared folder of a few tiny faces, and a small network."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd

from keras_dldl.labels import LabelGrid
from keras_dldl.training import TrainConfig
from tests.prepared_folders import write_folder

SMALL = {"input_size": 32, "batch_size": 8, "epochs": 2}
MINI = {**SMALL, "model": "mini"}


def config_of(folder, **changes):
    """Return settings of a short run of the small network."""
    return TrainConfig(data=[str(folder)], **{**MINI, **changes})


def write_small_data(
    folder: Path, train: int = 20, val: int = 6, seed: int = 0, grid: LabelGrid | None = None
) -> Path:
    """Write `train` + `val` faces of 32 x 32 pixels, the brighter the older; return `folder`.

    With `grid` the labels are anywhere on it, else whole years.
    """
    rng = np.random.default_rng(seed)
    rows, faces = [], []
    for split, count in (("train", train), ("val", val)):
        labels = rng.integers(0, 101, count).astype(float)
        if grid is not None:
            labels = rng.uniform(grid.start, grid.stop, count)
        faces += [_face(label, rng) for label in labels]
        rows += [(f"{split}/{k:03d}.jpg", label, split, "found") for k, label in enumerate(labels)]
    table = pd.DataFrame(rows, columns=["path", "label", "split", "face"])
    return write_folder(folder, table, faces, grid=grid)


def _face(label: float, rng: np.random.Generator) -> np.ndarray:
    return np.clip(rng.normal(40 + 1.5 * label, 20, (32, 32, 3)), 0, 255).astype(np.uint8)


def mini(images):
    """Return a map by two convolutions, which stand for the paper's thirteen."""
    x = images
    for stage, width in ((1, 8), (2, 16)):
        name = f"stage{stage}_conv1"
        x = keras.layers.Conv2D(width, 3, 4, padding="same", use_bias=False, name=name)(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
    return x
