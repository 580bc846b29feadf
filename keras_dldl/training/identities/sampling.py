"""Which class centres a step looks at: those of its own people, and others to tell them from."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


def rows_of(classes: int, share: float, batch_size: int) -> int:
    """Return how many centres a step looks at: the share asked for, and room for a batch's own.

    >>> rows_of(100_000, 0.1, 128), rows_of(100_000, 1e-4, 128), rows_of(50, 0.1, 128)
    (10000, 256, 50)
    """
    return min(classes, max(math.ceil(share * classes), 2 * batch_size))


@dataclass(frozen=True)
class CentreSampler:
    """Draws the centres of each step of an epoch (An et al. 2021/2022, "Partial FC").

    The centres of the batch's people are always among them. The others are a window that moves
    over a random order of all, so that in an epoch every centre comes about equally often, and a
    step's work does not depend on how many there are.

    Args:
        classes: number of people, N.
        rows: number of centres in a step, R.
        seed: another seed, other draws.
    """

    classes: int
    rows: int
    seed: int

    def steps(
        self, labels: np.ndarray, batch_size: int, epoch: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield for each batch the numbers of its centres and where among them its people stand.

        Args:
            labels: people of the epoch's images in their order, each 0 ... N - 1.
            batch_size: images in a batch.
            epoch: number of the epoch, from 0.

        Yields:
            (R,) int32, each number once; (B,) int32, 0 ... R - 1.
        """
        order = np.random.default_rng([abs(self.seed), epoch, 1]).permutation(self.classes)
        for step, first in enumerate(range(0, len(labels), batch_size)):
            own = labels[first : first + batch_size]
            window = order.take(
                np.arange(step * self.rows, (step + 1) * self.rows), mode="wrap"
            ).astype(np.int32)
            yield _with_own(window, own)


def _with_own(window: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put the batch's people into the window, in the place of others."""
    present = np.unique(own).astype(np.int32)
    missing = np.setdiff1d(present, window, assume_unique=True)
    free = np.flatnonzero(~np.isin(window, present))
    window = window.copy()
    window[free[: len(missing)]] = missing
    sorter = np.argsort(window)
    return window, sorter[np.searchsorted(window, own, sorter=sorter)].astype(np.int32)
