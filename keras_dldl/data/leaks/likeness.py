"""Whether two aligned faces are one picture: correlation of fine detail after a small alignment.

Aligned faces all look the same at a coarse scale, and a copy that was found and aligned again is
moved by a pixel or so. Hence the mean face is taken away; the best small shift, scaling and turn is
found at a coarse scale, to first order (one least-squares step of Lucas and Kanade, 1981); and the
correlation that counts is that of the fine scale, where two photos of one person differ.
"""

from statistics import NormalDist

import numpy as np

from keras_dldl.data.leaks.fingerprints import SIDE

COARSE = (1.0, 4.0)  # sigmas of a difference of Gaussians, in pixels of the small picture
FINE = (0.5, 1.5)
LEAST_COARSE = 0.85  # of coarse correlation, before the fine one is looked at
BORDER = 2
MOST_SHIFT = 1.5
SAMPLE = 5000
PRIOR = 16  # pictures of no face in the mean, lest two copies among few be the mean
AT_ONCE = 2048
RANDOM_PAIRS = 10_000
LEAST_FACES = 30
MOST = 0.97  # copies that were re-encoded or resized are more similar

_Y, _X = ((np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2) / (SIDE / 2)).astype(np.float32)


class Likeness:
    """Compares small pictures of faces from one set.

    Args:
        thumbs: (N, 32, 32) uint8: the set, for its mean face.
    """

    def __init__(self, thumbs: np.ndarray):
        step = -(-len(thumbs) // SAMPLE) or 1
        sample = thumbs[::step].astype(np.float32)
        self._coarse, self._fine = _mean_face(sample, COARSE), _mean_face(sample, FINE)

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the similarity of each pair, -1 ... 1; 0 where coarse detail differs already.

        Args:
            first: (M, 32, 32) uint8.
            second: (M, 32, 32) uint8; mirrored beforehand, where mirrored copies are looked for.
        """
        parts = [np.empty(0, np.float32)]
        parts += [
            self._of_few(first[k : k + AT_ONCE], second[k : k + AT_ONCE])
            for k in range(0, len(first), AT_ONCE)
        ]
        return np.concatenate(parts)

    def most_by_chance(self, thumbs: np.ndarray) -> float:
        """Return about the greatest similarity that two different pictures of the set have.

        Of pairs drawn at random, next to none are copies. Their median and 95th percentile, on
        Fisher's scale, where correlations are nearly normal, say where the greatest of all pairs
        lies: below 0.88 for photos, and above 0.95 for faces of one drawing.

        Args:
            thumbs: (N, 32, 32) uint8: the set. Of under 30, 0.
        """
        count = len(thumbs)
        if count < LEAST_FACES:
            return 0.0
        rng = np.random.default_rng(0)
        first = rng.integers(0, count, RANDOM_PAIRS)
        second = (first + rng.integers(1, count, RANDOM_PAIRS)) % count  # never the same one
        values = [
            self._of_few(thumbs[first[k : k + AT_ONCE]], thumbs[second[k : k + AT_ONCE]], least=-1)
            for k in range(0, RANDOM_PAIRS, AT_ONCE)
        ]
        ends = np.quantile(np.concatenate(values), [0.5, 0.95])
        middle, high = np.arctanh(np.minimum(ends, MOST))
        normal = NormalDist()
        spread = (high - middle) / normal.inv_cdf(0.95)
        # One pair in a thousand sets like this would lie beyond, were they normal; drawn faces have
        # a longer tail, of which one set in ten still has a pair.
        reach = normal.inv_cdf(1 - 0.002 / (count * (count - 1)))
        return float(min(np.tanh(middle + spread * reach), MOST))

    def _of_few(
        self, first: np.ndarray, second: np.ndarray, least: float = LEAST_COARSE
    ) -> np.ndarray:
        first, second = first.astype(np.float32), second.astype(np.float32)
        coarse, moves = _fit(_band(first, COARSE), _band(second, COARSE), self._coarse, step=2)
        similarity = np.zeros(len(first), np.float32)
        near = coarse >= least
        if not near.any():
            return similarity
        moved = _band(_moved(first[near], moves[near]), FINE)
        similarity[near], _ = _fit(moved, _band(second[near], FINE), self._fine)
        return similarity


def _mean_face(thumbs: np.ndarray, sigmas: tuple[float, float]) -> np.ndarray:
    """Return the mean (32, 32) detail, made symmetric so that it is right for mirrored faces."""
    mean = _band(thumbs, sigmas).sum(0) / (len(thumbs) + PRIOR)
    return (mean + mean[:, ::-1]) / 2


def _band(images: np.ndarray, sigmas: tuple[float, float]) -> np.ndarray:
    """Return (M, 32, 32) detail between two scales, of unit strength: blind to light and contrast.

    A flat picture has none, and stays 0.
    """
    narrow, wide = (_gaussian(sigma) for sigma in sigmas)
    detail = narrow @ images @ narrow.T - wide @ images @ wide.T
    strength = np.sqrt(np.square(detail).mean((1, 2), keepdims=True))
    return detail / np.maximum(strength, 0.1)


def _gaussian(sigma: float) -> np.ndarray:
    """Return the (32, 32) matrix that blurs along one axis; at the edge the rest is weighted up."""
    distance = np.arange(SIDE)[:, None] - np.arange(SIDE)
    weights = np.exp(-np.square(distance) / (2 * sigma**2))
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _fit(
    first: np.ndarray, second: np.ndarray, mean: np.ndarray, step: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Explain `second` by `first`, moved a little; all (M, 32, 32) detail.

    Only every `step`-th row and column is looked at; coarse detail has no more to say.

    Returns:
        (M,) correlation of `second` with what explains it; (M, 4) the move: shift along x and y
        in pixels, growth and turn in pixels at the edge.
    """
    down, right = np.gradient(first, axis=(1, 2))
    rest, target, right, down, x, y = (
        image[..., BORDER : SIDE - BORDER : step, BORDER : SIDE - BORDER : step]
        for image in (first - mean, second - mean, right, down, _X, _Y)
    )
    terms = np.stack([rest, right, down, x * right + y * down, x * down - y * right], axis=1)
    terms, target = terms.reshape(len(first), 5, -1), target.reshape(len(first), -1)
    squares = terms @ terms.transpose(0, 2, 1) + 0.01 * np.eye(5, dtype=np.float32)
    weights = np.linalg.solve(squares, terms @ target[:, :, None])[:, :, 0]
    most = MOST_SHIFT * np.abs(weights[:, :1])
    weights[:, 1:] = np.clip(weights[:, 1:], -most, most)
    explained = (weights[:, None] @ terms)[:, 0]
    norms = np.square(explained).sum(1) * np.square(target).sum(1)
    correlation = (explained * target).sum(1) / np.sqrt(norms + 1e-6)
    # A negative of the picture is no copy of it.
    correlation = np.where(weights[:, 0] > 0, np.minimum(correlation, 1), 0)
    return correlation, weights[:, 1:] / np.maximum(weights[:, :1], 0.1)


def _moved(images: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Return the (M, 32, 32) images, each shifted, scaled and turned by its (4,) move."""
    along_x, along_y, growth, turn = (moves[:, k, None, None] for k in range(4))
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    x = np.clip(columns + along_x + growth * _X - turn * _Y, 0, SIDE - 1.001)
    y = np.clip(rows + along_y + growth * _Y + turn * _X, 0, SIDE - 1.001)
    left, top = x.astype(np.intp), y.astype(np.intp)
    x, y, each = x - left, y - top, np.arange(len(images))[:, None, None]
    upper = images[each, top, left] * (1 - x) + images[each, top, left + 1] * x
    lower = images[each, top + 1, left] * (1 - x) + images[each, top + 1, left + 1] * x
    return upper * (1 - y) + lower * y
