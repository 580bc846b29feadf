"""What a model may be compiled with, and labels that it cannot learn."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_dldl.errors import ConfigError, DataError
from keras_dldl.labels import LabelGrid
from keras_dldl.losses import GridLoss
from keras_dldl.metrics.base import GridMetric


def takes_raw_outputs(loss: Any, own: Any, grid: LabelGrid, raw_size: int) -> bool:
    """Return whether `loss` takes raw outputs, as the method's own does, or probabilities.

    Args:
        loss: what the user gave.
        own: the loss of the model's method.
        grid: the model's grid.
        raw_size: number of raw outputs.

    Raises:
        ConfigError: a model of this method cannot be trained by `loss`.
    """
    if isinstance(loss, type(own)):
        if not isinstance(loss, GridLoss):
            return True
        is_raw = loss.from_logits == own.from_logits
        if loss.grid == grid and (is_raw or raw_size == grid.size):
            return is_raw
    elif callable(loss):
        where = getattr(loss, "__module__", None) or type(loss).__module__
        # Keras's own compare a label with each probability; ours belong to other methods.
        if where.partition(".")[0] not in ("keras", "keras_dldl"):
            return False
    needed = f"{type(own).__name__} over {grid}"
    if getattr(own, "from_logits", False) and raw_size != grid.size:
        needed += ", from_logits=True"
    received = type(loss).__name__ if isinstance(loss, keras.losses.Loss) else repr(loss)
    if isinstance(loss, GridLoss):
        received += f" over {loss.grid}, from_logits={loss.from_logits}"
    raise ConfigError(
        f"The loss does not fit the model's method. It must be {needed}, which compile() takes "
        "without being told, or a loss of your own from labels and probabilities; for another "
        f"loss of this package, build the model with its method. Received: loss={received}"
    )


def check_metrics(metrics: Any, grid: LabelGrid) -> None:
    """Raise ConfigError for a metric of another grid, or of logits: they get probabilities."""
    for metric in keras.tree.flatten(metrics):
        if isinstance(metric, GridMetric) and (metric.from_logits or metric.grid != grid):
            raise ConfigError(
                "A metric does not fit the model. It gets probabilities over the model's grid, so "
                f"it must be over {grid}, with from_logits=False. Received: "
                f"{type(metric).__name__} over {metric.grid}, from_logits={metric.from_logits}"
            )


def check_labels(labels: Any, grid: LabelGrid) -> None:
    """Raise DataError, which names the first label that is off the grid.

    Args:
        labels: (B,), (B, 1), (B, 2) or (B, 5), see `LabelDistributionLoss`.
        grid: the model's grid.
    """
    labels = np.asarray(keras.ops.convert_to_numpy(labels))
    rows = labels.reshape(len(labels), -1)
    rows = rows[:, [0, 2]] if rows.shape[1] == 5 else rows[:, :1]
    wrong = ~grid.contains(rows)
    if wrong.any():
        row = int(np.argmax(wrong.any(axis=1)))
        raise DataError(
            f"Labels must lie on the model's grid, {grid.start:g} to {grid.stop:g} {grid.unit}. "
            f"Received: {rows[row][wrong[row]][0]:g} in row {row}, and {int(wrong.sum())} such in "
            f"{len(rows)} rows"
        )


def with_checked_labels(x: Any, y: Any, grid: LabelGrid) -> Any:
    """Return `x`, once the labels of all rows, or of the first batch of batches, are checked.

    Args:
        x: what `fit` takes: images, or a data set, a `PyDataset` or a generator of batches. A
            generator is taken apart; the returned one begins at the same batch.
        y: the labels of images; None with the others.
        grid: the model's grid.
    """
    if y is not None or isinstance(x, (np.ndarray, list, tuple, dict)) or keras.ops.is_tensor(x):
        batch = (x, y)
    elif isinstance(x, keras.utils.PyDataset):
        batch = x[0]
    elif isinstance(x, Iterator):
        batch = next(x, None)
        x = _before(batch, x)
    else:
        batch = next(iter(x), None)
    has_labels = isinstance(batch, (tuple, list)) and len(batch) > 1
    if has_labels and batch[1] is not None:
        check_labels(batch[1], grid)
    return x


def _before(first: Any, others: Iterator[Any]) -> Iterator[Any]:
    # A generator, as Keras takes no other iterator.
    if first is not None:
        yield first
    yield from others
