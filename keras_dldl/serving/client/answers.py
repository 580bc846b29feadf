"""From the numbers that a server sends to predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_dldl.errors import ConfigError, ServerError, UnreadableImage
from keras_dldl.labels import DECODERS, LabelGrid
from keras_dldl.predict import Prediction

NEEDED = ("value", "distribution", "labels", "status")


def predictions(
    outputs: dict[str, Any], names: Sequence[str], task: str | None = None
) -> list[Prediction | UnreadableImage]:
    """Return a result for each row.

    Args:
        outputs: by name, `value` (B,), `distribution` (B, K), `labels` (B, K), `status` (B,) text.
        names: what the B images are called.
        task: the grid's task; default: see `Client`.

    Raises:
        ServerError: these are not the outputs of a model that this package exported.
    """
    missing = [name for name in NEEDED if name not in outputs]
    if missing or any(len(outputs[name]) != len(names) for name in NEEDED):
        raise ServerError(
            "The server's answer is not of use. The model must be one that `keras-dldl export "
            f"--format saved-model` wrote: a row an image of {', '.join(NEEDED)}. "
            f"Received: {', '.join(sorted(outputs))}, for {len(names)} images"
        )
    rows = zip(names, *(outputs[name] for name in NEEDED), strict=True)
    try:
        return [_result(task, *row) for row in rows]
    except (ConfigError, TypeError, ValueError, IndexError, ArithmeticError) as error:
        raise ServerError(f"The server's answer is not of use: {error}") from error


def _result(
    task: str | None, name: str, value: float, distribution: Any, labels: Any, status: str
) -> Prediction | UnreadableImage:
    if status != "ok":
        return UnreadableImage(
            f"{name}: the server cannot use this picture. Give a whole JPEG or PNG file of a "
            f"usual size. Received: {status}"
        )
    grid = _grid(np.asarray(labels, np.float64), task)
    # The server does not say how the model decodes; its value does.
    found = [Prediction(distribution, grid, decoder=decoder, name=name) for decoder in DECODERS]
    return min(found, key=lambda prediction: abs(prediction.value - value))


def _grid(labels: np.ndarray, task: str | None) -> LabelGrid:
    # The labels come as float32, in which 1.3 is 1.29999995: no grid is finer than six digits.
    start, stop = (float(f"{end:.6g}") for end in labels[[0, -1]])
    step = float(f"{(stop - start) / (len(labels) - 1):.6g}")
    return LabelGrid(start, stop, step, task or ("age" if step == int(step) else "attractiveness"))
