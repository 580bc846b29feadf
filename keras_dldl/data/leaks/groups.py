"""Groups of faces joined by pairs, which grow while pairs are found."""

import numpy as np


class Groups:
    """Which of `count` faces are joined, directly or over others.

    >>> groups = Groups(4)
    >>> groups.join(np.array([3, 1]), np.array([1, 2]))
    >>> groups.labels.tolist()
    [0, 1, 1, 1]
    """

    def __init__(self, count: int):
        self._parent = list(range(count))
        self.labels = np.arange(count)

    def join(self, first: np.ndarray, second: np.ndarray) -> None:
        """Join the faces of each pair; `labels` then has each face's lowest index in its group."""
        for a, b in zip(first.tolist(), second.tolist(), strict=True):
            low, high = sorted((self._root(a), self._root(b)))
            self._parent[high] = low
        if len(first):
            labels = np.array(self._parent, np.int64)
            while (labels[labels] != labels).any():
                labels = labels[labels]
            self.labels = labels

    def crowded(self, most: int) -> np.ndarray:
        """Return (count,) the label of each face in a group of more than `most`, -1 elsewhere."""
        sizes = np.bincount(self.labels, minlength=1)
        return np.where(sizes[self.labels] > most, self.labels, -1)

    def _root(self, i: int) -> int:
        parent = self._parent
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i
