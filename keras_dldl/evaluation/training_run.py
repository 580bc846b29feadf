"""The training run that a model comes from, as its folder has it: curves, and what they say."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("epoch", "loss", "val_loss", "mae", "val_mae")
OVERFITTING = (
    "Where the validation curves rise while those of training fall, the model overfits: it "
    "memorises its training faces. More photos help, or fewer epochs."
)


@dataclass(frozen=True)
class TrainingRun:
    """What a run folder says of its model.

    Args:
        rows: the rows of `history.csv`; epoch 0 is the start model, and what is missing None.
        epoch: the one whose model was kept.
        kept: that in a sentence.
        remark: how to read the curves.
    """

    rows: tuple[Mapping[str, float | None], ...]
    epoch: int
    kept: str
    remark: str


def training_run(model: Path | None, unit: str) -> TrainingRun | None:
    """Return the run in whose folder a model is; None if it is elsewhere.

    Args:
        model: the model's file.
        unit: of its labels, "years" or "points".
    """
    # Not above: it is loaded where a model is measured, not with the package.
    from keras_dldl.training.history import WHY_BELOW, best_row
    from keras_dldl.training.run_folder import RunFolder

    folder = RunFolder(model.parent) if model else None
    if folder is None or model.name != folder.model.name:
        return None
    try:
        with open(folder.history, encoding="utf-8", newline="") as file:
            rows = [
                {name: float(row[name]) if row[name] else None for name in COLUMNS}
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError):  # no run's folder, or a run of pre-training
        return None
    if not rows:
        return None
    best = best_row(rows)
    remark = f"{WHY_BELOW} {OVERFITTING}"
    return TrainingRun(tuple(rows), int(best["epoch"]), _kept(rows, best, unit), remark)


def _kept(rows: list[dict], best: dict, unit: str) -> str:
    if best["val_mae"] is None:
        return "The model is of the last epoch: there were no validation faces to choose by."
    lowest, start = f"{best['val_mae']:.2f} {unit}", rows[0]
    if best["epoch"] == 0:
        after = min((row["val_mae"] for row in rows[1:]), default=best["val_mae"])
        return (
            "No epoch was better than the start model, so that is the model: its validation MAE "
            f"is {lowest}, and after training {after:.2f} at best."
        )
    which = f"epoch {best['epoch']:g} of {rows[-1]['epoch']:g}"
    before = f"; before training it was {start['val_mae']:.2f}" if start["epoch"] == 0 else ""
    return f"The model is of {which}, which has the lowest validation MAE, {lowest}{before}."
