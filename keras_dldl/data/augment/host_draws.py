"""The draws of a batch by NumPy, where TensorFlow need not be installed."""

import numpy as np

from keras_dldl.data.augment.strengths import Augmentation
from keras_dldl.data.augment.table import ROWS, draws_from


def draw_on_host(
    augmentation: Augmentation, count: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draw what augments `count` images, by the same table as `draw_batch`, of other numbers.

    Args:
        augmentation: the strengths.
        count: number of images.
        rng: the source of chance; the same state gives the same draws on every machine.

    Returns:
        Float32 arrays (count,) by name, see `draws_from`.
    """
    rows = rng.random((ROWS, count))
    weights = _larger_share(augmentation.mixup, count, rng)
    draws = draws_from(augmentation, list(rows), weights, np)
    return {name: np.asarray(values, np.float32) for name, values in draws.items()}


def _larger_share(alpha: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the larger of w and 1 - w, w from Beta(alpha, alpha); ones where `alpha` is 0."""
    if alpha == 0:
        return np.ones(count)
    share = rng.beta(alpha, alpha, count)
    return np.maximum(share, 1.0 - share)
