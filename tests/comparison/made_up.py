"""Cells with predictions that are made up, so that a report can be tested without training."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from keras_dldl.comparison import Plan, cells
from keras_dldl.comparison.cells import DONE, FAILED, CellResult
from keras_dldl.comparison.summary import content_of
from keras_dldl.evaluation import summary
from keras_dldl.labels import LabelGrid

LABELS = np.linspace(5.0, 95.0, 40)
SPLITS = {"train": 100, "val": 10, "test": 40}
DATA = SimpleNamespace(
    grid=LabelGrid.age(),
    size=64,
    splits=tuple(SPLITS),
    rows=lambda split: range(SPLITS[split]),
    folders=[SimpleNamespace(path=Path("faces"))],
)


def done_cells(plan: Plan, out: Path, shifts: dict[str, float], failed=()) -> list[tuple]:
    """Return cells of `plan` whose predictions are off by a variant's shift, give or take a seed's.

    Args:
        plan: what is compared.
        out: a folder for the predictions.
        shifts: mean of the error by variant; those not named are not finished.
        failed: titles of cells that failed.
    """
    done = []
    for cell in cells.cells_of(plan, out):
        if cell.title in failed:
            done.append((cell, CellResult(cell.variant, cell.seed, FAILED, {}, "loss=nan")))
        elif cell.variant in shifts:
            done.append((cell, _finished(cell, shifts[cell.variant])))
    return done


def _finished(cell: cells.Cell, shift: float) -> CellResult:
    noise = np.random.default_rng(cell.seed).normal(0, 0.5, len(LABELS))
    value = LABELS + shift + 0.1 * cell.seed + noise
    table = pd.DataFrame({"label": LABELS, "value": value, "std": 1.0})
    table.insert(0, "path", [f"{k}.jpg" for k in range(len(LABELS))])
    cell.evaluation.mkdir(parents=True)
    table.to_csv(cell.evaluation / "predictions.csv", index=False)
    return dataclasses.replace(
        CellResult(cell.variant, cell.seed, DONE, {}),
        numbers={**summary(LABELS, value), "parameters": 1000},
        training={"seconds": 60.0},
    )


def report(plan: Plan, out: Path, shifts: dict[str, float], failed=()) -> dict:
    """Return the content of `comparison.json` of made-up cells."""
    return content_of(plan, DATA, done_cells(plan, out, shifts, failed))
