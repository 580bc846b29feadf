"""BlazeFace short range (Bazarevsky et al. 2019): rough places of faces, in two milliseconds.

The network sees a square at 128 x 128 pixels and knows upright faces, from about an eighth of its
side to all of it. Shown the square at four quarter turns, it finds faces at every angle.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from keras_dldl.faces.cutting import Picture

SIDE = 128
# Cells of the network's two maps, and how many boxes it proposes in each cell.
CELLS = ((16, 2), (8, 6))
LEAST_SCORE = 0.5
# Boxes of one face that overlap by more are averaged, by their scores.
OVERLAP = 0.3


@dataclass(frozen=True)
class Candidate:
    """A place where a face may be.

    Args:
        centre: of the box, x + iy in the picture's pixels.
        side: of the box in pixels.
        up: from chin to forehead, a complex number of length 1; -1j in an upright picture.
        score: the network's confidence, 0 ... 1.
    """

    centre: complex
    side: float
    up: complex
    score: float


def _anchors() -> np.ndarray:
    """Return the centre of each of the 896 boxes, (896, 2) as x, y in shares of the side."""
    centres = []
    for cells, boxes in CELLS:
        places = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, boxes, axis=0))
    return np.concatenate(centres)


class BlazeFace:
    """Finds candidates in one picture.

    Args:
        network: maps (1, 128, 128, 3) float32 in [-1, 1] to the outputs "regressors" (1, 896, 16)
            and "classificators" (1, 896, 1).
    """

    def __init__(self, network: Callable[[np.ndarray], dict[str, np.ndarray]]):
        self._network = network
        self._anchors = _anchors()

    def candidates(
        self, picture: Picture, centre: complex, side: float
    ) -> Iterator[list[Candidate]]:
        """Yield the candidates in a square of the picture at each of its four quarter turns.

        Args:
            picture: to look at.
            centre: of the square, x + iy in pixels.
            side: of the square in pixels; it may reach outside of the picture.
        """
        scale = side / SIDE
        square = picture.cut(scale, centre - side * (0.5 + 0.5j), SIDE)
        for turn in range(4):
            # Turned by NumPy to the left, so what is found there is turned back to the right.
            back = 1j**turn
            yield [
                Candidate(
                    centre + scale * back * (place - SIDE * (0.5 + 0.5j)),
                    scale * size,
                    back * up,
                    score,
                )
                for place, size, up, score in self._boxes(np.rot90(square, turn))
            ]

    def _boxes(self, square: np.ndarray) -> list[tuple[complex, float, complex, float]]:
        """Return centre, side, direction and score of faces in a square picture's own pixels."""
        outputs = self._network(np.ascontiguousarray(square, np.float32)[None] / 127.5 - 1)
        logits = outputs["classificators"][0, :, 0].astype(np.float64)
        scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
        kept = np.flatnonzero(scores >= LEAST_SCORE)
        kept = kept[np.argsort(-scores[kept], kind="stable")]
        rows, scores = outputs["regressors"][0, kept].astype(np.float64), scores[kept]
        points = rows.reshape(len(rows), 8, 2)
        points[:, [0, *range(2, 8)]] += self._anchors[kept, None] * SIDE
        usable = np.isfinite(rows).all(axis=1) & (points[:, 1] > 0).all(axis=1)
        return [*_merged(points[usable], scores[usable])]


def _merged(points: np.ndarray, scores: np.ndarray):
    """Yield centre, side, direction and score, where boxes of one face are averaged."""
    centres, sides = points[:, 0], points[:, 1].max(axis=1)
    left = np.ones(len(points), bool)
    for best in range(len(points)):
        if not left[best]:
            continue
        same = left & (overlap(centres[best], sides[best], centres, sides) > OVERLAP)
        same[best] = True
        left &= ~same
        x, y = np.average(points[same], axis=0, weights=scores[same]).T
        z = x + 1j * y
        # Two eyes: from the left one to the right one, a quarter turn to the left is up.
        eyes = z[3] - z[2]
        up = -1j * (eyes / abs(eyes) if abs(eyes) > 0 else 1)
        yield complex(z[0]), float(max(x[1], y[1])), complex(up), float(scores[best])


def overlap(centre: np.ndarray, side: float, centres: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Return intersection over union of one upright square with others, (N,), 0 ... 1.

    >>> overlap(np.zeros(2), 2.0, np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]]), np.full(3, 2.0))
    array([1.        , 0.33333333, 0.        ])
    """
    upper = np.minimum(centre + side / 2, centres + sides[:, None] / 2)
    lower = np.maximum(centre - side / 2, centres - sides[:, None] / 2)
    shared = np.prod(np.clip(upper - lower, 0, None), axis=1)
    return shared / np.maximum(side**2 + sides**2 - shared, 1e-12)
