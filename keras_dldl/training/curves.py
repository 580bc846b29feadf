"""Loss, MAE and learning rate over the epochs: `curves.png`, and scalars for TensorBoard."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_dldl._utils.files import atomic_path, make_folder
from keras_dldl.training.history import name_in_words

WHY_BELOW = (
    "Validation may lie below training: training faces are changed at random (augmentation, "
    "dropout), and counted while the model still learns; validation faces are not."
)


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
    for axes, panel in zip(figure.subplots(1, len(panels)), panels, strict=True):
        _draw_panel(axes, rows, panel)
    figure.supxlabel(WHY_BELOW, fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=100)


def _draw_panel(axes: Any, rows: Sequence[Mapping[str, Any]], panel: tuple) -> None:
    title, train, val = panel
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


class ScalarLog:
    """Writes rows of the history as TensorBoard's scalars; a step is an epoch.

    A resumed run writes all of them again, so that an epoch which was done twice, because the
    process was killed in between, stands there once.

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
