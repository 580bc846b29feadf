"""What a run gave."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_dldl.training.history import best_row, epochs_done


@dataclass(frozen=True)
class RunResult:
    """What a run gave.

    Attributes:
        out: the run folder.
        model: the file of the best model, or of the last one without validation.
        rows: the rows of `history.csv`; epoch 0 is the start model of `init`, before training.
        already_finished: whether there was nothing left to do.
        metric: name of the column by which the best epoch was chosen, `val_` before it.
        stopped_early: whether it ended before its last epoch, by `patience`.
    """

    out: Path
    model: Path
    rows: tuple[dict[str, Any], ...]
    already_finished: bool = False
    metric: str = "mae"
    stopped_early: bool = False

    @property
    def epochs(self) -> int:
        """How many epochs were trained."""
        return epochs_done(self.rows)

    @property
    def best_epoch(self) -> int:
        """The epoch of the model in the file, from 1; 0 if none was better than the start model."""
        return best_row(self.rows, self.metric)["epoch"]

    @property
    def best_metric(self) -> float | None:
        """The metric of that epoch on the validation split, or None without validation."""
        return best_row(self.rows, self.metric).get(f"val_{self.metric}")

    @property
    def best_val_mae(self) -> float | None:
        """Its MAE on the validation split in label units, or None without validation."""
        return best_row(self.rows).get("val_mae")
