"""What each epoch of a run gave: its table, its curves, TensorBoard, the result at the end."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_dldl._utils.files import atomic_path, make_folder, write_text
from keras_dldl._utils.progress import clock
from keras_dldl.training.config import RunConfig

COLUMNS = ("epoch", "loss", "mae", "val_loss", "val_mae", "learning_rate", "seconds")
WHY_BELOW = (
    "Validation may lie below training: training faces are changed at random (augmentation, "
    "dropout), and counted while the model still learns; validation faces are not."
)


def write_history(path: Path, rows: Sequence[Mapping[str, Any]], metric: str = "mae") -> None:
    """Write `rows` as CSV atomically; a value that is missing is left empty."""
    buffer = io.StringIO()
    writer = csv.DictWriter(
        buffer,
        [name.replace("mae", metric) for name in COLUMNS],
        lineterminator="\n",
        extrasaction="ignore",
    )
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, buffer.getvalue())


def best_row(rows: Sequence[Mapping[str, Any]], metric: str = "mae") -> Mapping[str, Any] | None:
    """Return the row of the lowest metric in validation, the first of equals.

    Without validation the last row; without rows None.

    >>> best_row([{"epoch": 1, "val_mae": 5.0}, {"epoch": 2, "val_mae": 4.0}])["epoch"]
    2
    """
    name = f"val_{metric}"
    judged = [row for row in rows if row.get(name) is not None]
    if judged:
        return min(judged, key=lambda row: row[name])
    return rows[-1] if rows else None


def epochs_done(rows: Sequence[Mapping[str, Any]]) -> int:
    """Return how many epochs `rows` have; epoch 0, the start model's row, is none.

    >>> epochs_done([]), epochs_done([{"epoch": 0}]), epochs_done([{"epoch": 0}, {"epoch": 1}])
    (0, 0, 1)
    """
    return rows[-1]["epoch"] if rows else 0


def is_stale(rows: Sequence[Mapping[str, Any]], config: RunConfig, metric: str = "mae") -> bool:
    """Return whether a run with these rows is to end early, by `patience` and `min_improvement`.

    It depends on nothing but the rows, so a resumed run stops where it would have stopped.
    """
    if config.patience is None:
        return False
    lowest, since = float("inf"), 0
    for row in rows:
        since += 1
        if lowest - row[f"val_{metric}"] > config.min_improvement:
            lowest, since = row[f"val_{metric}"], 0
    return since >= config.patience


def name_in_words(metric: str) -> str:
    """Return the name of a metric as people write it.

    >>> name_in_words("mae"), name_in_words("error")
    ('MAE', 'error')
    """
    return "MAE" if metric == "mae" else metric


def describe_row(row: Mapping[str, Any], epochs: int, best: bool, metric: str = "mae") -> str:
    """Return one line for the log about an epoch."""
    word, judged = name_in_words(metric), row.get(f"val_{metric}")
    if row["epoch"] == 0:
        text = "before training"
    else:
        text = f"epoch {row['epoch']}/{epochs}  loss {row['loss']:.4f}  {word} {row[metric]:.3f}"
    if judged is not None:
        text += f"  val loss {row['val_loss']:.4f}  val {word} {judged:.3f}"
        text += " (best)" if best else ""
    if row["epoch"] == 0:
        return text + f"  {row['seconds']:.1f} s"
    text += f"  learning rate {row['learning_rate']:.3g}  {row['seconds']:.1f} s"
    left = epochs - row["epoch"]
    return text + (f"  ({clock(left * row['seconds'])} left)" if left > 0 else "")


def draw_curves(
    path: Path, rows: Sequence[Mapping[str, Any]], unit: str = "", metric: str = "mae"
) -> None:
    """Draw `rows` of the history into a PNG file.

    Args:
        path: the file to write.
        rows: rows as in `history.csv`, at least one.
        unit: of the metric, such as "years".
        metric: name of the column beside the loss.
    """
    from matplotlib.figure import Figure

    word = name_in_words(metric)
    panels = (
        ("Loss", "loss", "val_loss"),
        (f"{word} ({unit})" if unit else word, metric, f"val_{metric}"),
        ("Learning rate", "learning_rate", ""),
    )
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    for axes, (title, train, val) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        for column, label in ((train, "training"), (val, "validation")):
            shown = [row for row in rows if row.get(column) is not None]
            if shown:
                epochs = [row["epoch"] for row in shown]
                axes.plot(epochs, [row[column] for row in shown], marker=".", label=label)
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
        if val:
            axes.legend()
        elif any(row.get(train) for row in rows):  # a schedule of one epoch ends at 0
            axes.set_yscale("log")
    figure.supxlabel(WHY_BELOW, fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=100)


class ScalarLog:
    """Writes rows of the history as TensorBoard's scalars; a step is an epoch.

    A resumed run writes all of them again, so that an epoch which was done twice, because the
    process was killed in between, is there once.

    Args:
        folder: where the event file goes; older ones there are removed.
        rows: of the epochs so far.
        metric: name of the column beside the loss.
    """

    def __init__(self, folder: Path, rows: Sequence[Mapping[str, Any]], metric: str) -> None:
        from tensorboard.summary import Writer

        make_folder(folder)
        for path in folder.glob("events.out.tfevents.*"):
            path.unlink()
        self._metric = metric
        self._writer = Writer(str(folder))
        for row in rows:
            self.write(row)

    def write(self, row: Mapping[str, Any]) -> None:
        """Add an epoch."""
        metric = self._metric
        tags = {"loss": "loss/training", "val_loss": "loss/validation"}
        tags |= {metric: f"{metric}/training", f"val_{metric}": f"{metric}/validation"}
        for name, tag in (tags | {"learning_rate": "learning_rate"}).items():
            if row.get(name) is not None:
                self._writer.add_scalar(tag, row[name], step=row["epoch"])
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


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
