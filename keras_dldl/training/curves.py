"""`curves.png`: loss, MAE and learning rate over the epochs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_dldl.files import atomic_path

_PANELS = (
    ("Loss", "loss", "val_loss"),
    ("MAE", "mae", "val_mae"),
    ("Learning rate", "learning_rate", ""),
)


def draw_curves(path: Path, rows: Sequence[Mapping[str, Any]], unit: str = "") -> None:
    """Draw `rows` of the history into a PNG file.

    Args:
        path: the file to write.
        rows: rows as in `history.csv`, at least one.
        unit: of the MAE, such as "years".
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(_PANELS)), _PANELS, strict=True):
        _draw_panel(axes, rows, panel, unit)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=100)


def _draw_panel(axes: Any, rows: Sequence[Mapping[str, Any]], panel: tuple, unit: str) -> None:
    title, train, val = panel
    for column, label in ((train, "training"), (val, "validation")):
        shown = [row for row in rows if row.get(column) is not None]
        if shown:
            epochs = [row["epoch"] for row in shown]
            axes.plot(epochs, [row[column] for row in shown], marker=".", label=label)
    axes.set_title(f"{title} ({unit})" if title == "MAE" and unit else title)
    axes.set_xlabel("epoch")
    axes.grid(alpha=0.3)
    if val:
        axes.legend()
    else:
        axes.set_yscale("log")
