"""The faces with the largest and the smallest errors, kept small while all faces go through."""

import heapq
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SHOWN = 24
SIDE = 96  # pixels
QUALITY = 80


@dataclass(frozen=True)
class Pictures:
    """Faces to show, each the number of its row in `predictions.csv` and a small JPEG file.

    Args:
        worst: those with the largest errors, the largest first.
        best: those with the smallest, the smallest first; no face is in both.
    """

    worst: Sequence[tuple[int, bytes]] = ()
    best: Sequence[tuple[int, bytes]] = ()


class Extremes:
    """Keeps the crops of the worst and the best faces of a stream.

    Args:
        count: how many of each; 0 keeps none.
    """

    def __init__(self, count: int = SHOWN):
        self.count = count
        self._seen = 0
        # The root of each heap is the face that goes first; of equal errors the later one goes.
        self._worst: list[tuple[float, int, np.ndarray]] = []
        self._best: list[tuple[float, int, np.ndarray]] = []

    def add(self, numbers: Sequence[int], images: np.ndarray, error: np.ndarray) -> None:
        """Look at more faces.

        Args:
            numbers: n numbers of theirs, all different from those before.
            images: (n, S, S, 3), 0 ... 255.
            error: (n,) absolute errors.
        """
        self._seen += len(images)
        for number, image, one in zip(numbers, images, error.tolist(), strict=True):
            self._keep(self._worst, (one, -number), image)
            self._keep(self._best, (-one, -number), image)

    def pictures(self) -> Pictures:
        """Return what was kept; of few faces, each is shown once, as bad or as good."""
        half = min(self.count, (self._seen + 1) // 2)
        worst = sorted(self._worst, key=lambda kept: kept[:2], reverse=True)[:half]
        shown = {number for _, number, _ in worst}
        best = sorted(self._best, key=lambda kept: kept[:2], reverse=True)
        best = [kept for kept in best if kept[1] not in shown]
        return Pictures(_encoded(worst), _encoded(best))

    def _keep(self, heap: list, key: tuple[float, int], image: np.ndarray) -> None:
        if len(heap) < self.count:
            heapq.heappush(heap, (*key, image.astype(np.uint8)))
        elif self.count and key > heap[0][:2]:
            heapq.heapreplace(heap, (*key, image.astype(np.uint8)))


def thumbnail(image: np.ndarray) -> bytes:
    """Return a (S, S, 3) uint8 image as a JPEG file of at most `SIDE` pixels a side."""
    from PIL import Image

    small = Image.fromarray(image)
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _encoded(kept: Sequence[tuple[float, int, np.ndarray]]) -> list[tuple[int, bytes]]:
    return [(-number, thumbnail(image)) for _, number, image in kept]
