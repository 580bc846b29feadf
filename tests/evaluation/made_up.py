"""Evaluations of drawn predictions, without a model."""

import numpy as np
import pandas as pd

from keras_dldl.evaluation.assess import assess
from keras_dldl.evaluation.decoding import decode
from keras_dldl.evaluation.evaluate import Evaluation
from keras_dldl.evaluation.groups import grouping_columns
from keras_dldl.evaluation.predicting import Pictures, Views, thumbnail
from keras_dldl.evaluation.wording import in_words
from keras_dldl.labels import LabelGrid

NOT_CHECKED = {"checked": False, "reason": "the faces are drawn"}


def distributions(label, grid, seed=0, spread=3.0):
    """(N, K) distributions around values that miss by `spread` steps."""
    random = np.random.default_rng(seed)
    centre = label + random.normal(0, spread * grid.step, len(label))
    mass = np.exp(-0.5 * ((grid.labels64 - centre[:, None]) / (spread * grid.step)) ** 2) + 1e-9
    return mass / mass.sum(axis=1, keepdims=True)


def made_up(rows, grid=None, against=False, pictures=False, **more):
    """An evaluation of `rows` by one drawn model, perhaps against another one."""
    grid = grid or LabelGrid.age()
    label = rows["label"].to_numpy(np.float64)
    image, mirror, other = (distributions(label, grid, seed, 3 + seed) for seed in range(3))
    metrics, predictions = assess(
        rows,
        Views(range(len(rows)), image, mirror),
        grid,
        columns=grouping_columns(rows, task=grid.task),
        origins=more.pop("origins", None),
        other=decode(other, grid)[0] if against else None,
    )
    model = {
        "name": None,
        "sha256": None,
        "backbone": "tiny-age-net",
        "method": {"name": "dldl-v2", "options": {}},
        "grid": grid.get_config(),
    }
    metrics |= {
        "detection": {"found": len(rows) - 1, "whole": 1},
        "unreadable": [],
        "task": grid.task,
        "input_size": 224,
        "parameters": 936981,
        "model": model,
        "against_model": model | {"name": "other"} if against else None,
        "data": {"kind": "manifest", "manifest": "m.csv", "root": "r", "split": "all"},
        "leak_check": NOT_CHECKED,
        "versions": {"numpy": "2"},
        **more,
    }
    metrics["summary"] = in_words(metrics, grid)
    return Evaluation(metrics, predictions, _pictures(predictions) if pictures else Pictures())


def rows_of(count=40, grid=None, **columns):
    """Rows of a manifest with evenly spread labels."""
    grid = grid or LabelGrid.age()
    label = np.linspace(grid.start, grid.stop, count) if count > 1 else [grid.stop / 2]
    paths = [f"{k}.png" for k in range(count)]
    return pd.DataFrame({"path": paths, "label": label, **columns})


def _pictures(predictions):
    order = (predictions["value"] - predictions["label"]).abs().argsort().tolist()
    faces = [thumbnail(np.full((32, 32, 3), 5 * k % 250, np.uint8)) for k in range(4)]
    worst = list(zip(order[:-3:-1], faces, strict=False))
    return Pictures(worst, list(zip(order[:2], faces[2:], strict=False)))
