"""What each epoch gave: rows in memory, `history.csv` on disk."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_dldl.files import write_text

COLUMNS = ("epoch", "loss", "mae", "val_loss", "val_mae", "learning_rate", "seconds")


def write_history(path: Path, rows: Sequence[Mapping[str, Any]], metric: str = "mae") -> None:
    """Write `rows` as CSV, whole or not at all; a value that is missing is left empty."""
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


def name_in_words(metric: str) -> str:
    """Return the name of a metric as people write it.

    >>> name_in_words("mae"), name_in_words("error")
    ('MAE', 'error')
    """
    return "MAE" if metric == "mae" else metric


def describe_row(row: Mapping[str, Any], epochs: int, best: bool, metric: str = "mae") -> str:
    """Return one line for the log about an epoch."""
    word, judged = name_in_words(metric), row.get(f"val_{metric}")
    text = f"epoch {row['epoch']}/{epochs}  loss {row['loss']:.4f}  {word} {row[metric]:.3f}"
    if judged is not None:
        text += f"  val loss {row['val_loss']:.4f}  val {word} {judged:.3f}"
        text += " (best)" if best else ""
    return text + f"  learning rate {row['learning_rate']:.3g}  {row['seconds']:.1f} s"
