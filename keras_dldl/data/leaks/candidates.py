"""Pairs of faces worth comparing, found by an index and not by comparing all with all.

A face's code is the signs of its low cosine frequencies, each against the mean of the set, so that
the face template that all share says nothing. Many hash tables are made, each of some of these
bits; faces that fall together in one are candidates. A query looks into neighbouring buckets too,
those across its least certain bits (multi-probe hashing: Lv et al., VLDB 2007). Mirroring a picture
turns the sign of the odd horizontal frequencies, so a mirrored query costs nothing more.
"""

import math
from collections.abc import Iterator

import numpy as np

from keras_dldl.data.leaks.fingerprints import SIDE

FREQUENCIES = [(v, u) for v in range(8) for u in range(8) if 1 <= u + v <= 8]
ODD = np.array([u % 2 == 1 for _, u in FREQUENCIES])
TABLES = 24
MORE_BITS = 5  # than would tell all faces apart, so that a bucket holds few
MOST_BITS = 24
FLIPPED = 6
DOUBLE_FLIPS = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (0, 4), (2, 3), (1, 4))
LEAST_COSINE = 0.74
BUCKET = 32  # each face of a fuller one meets this many others
CROWD = 16  # faces of one group; in a larger one, not all are compared with all
COMPARED_AT_ONCE = 20_000
LEAST_CONTRAST = 2.0  # grey levels; below it, only identical images are found
AT_ONCE = 1 << 18  # pairs
PRIOR = 16
SEED = 7


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


def candidate_pairs(
    thumbs: np.ndarray, groups: Groups
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield pairs of faces that may be one picture, some thousand at a time, none twice.

    Args:
        thumbs: (N, 32, 32) uint8.
        groups: of these faces. Whoever compares the pairs joins those that are one picture, and
            within a group that has become a crowd no more pairs come.

    Yields:
        (M,) first, (M,) second index with first < second, and (M,) whether the second is to be
        mirrored.
    """
    units = _features(thumbs)
    units /= np.maximum(np.linalg.norm(units, axis=1, keepdims=True), 1e-6)
    turned = np.where(ODD, -units, units)
    contrast = [thumbs[k : k + 4096].std((1, 2)) for k in range(0, len(thumbs), 4096)]
    flat = np.concatenate([np.empty(0), *contrast]) < LEAST_CONTRAST
    count = len(units)
    bits = min(max(math.ceil(math.log2(max(count, 2))) + MORE_BITS, 8), MOST_BITS)
    seen = np.empty(0, np.int64)
    for table in range(TABLES):
        chosen = np.random.default_rng([SEED, table]).permutation(len(FREQUENCIES))[:bits]
        waiting = [np.empty(0, np.int64)]
        crowds = groups.crowded(CROWD)
        for first, second, mirrored in _meetings(units, turned, chosen):
            new = (first != second) & ~flat[first] & ~flat[second]
            new &= (crowds[first] != crowds[second]) | (crowds[first] < 0)
            first, second = first[new], second[new]
            likely = np.einsum("ij,ij->i", (turned if mirrored else units)[first], units[second])
            first, second = first[likely >= LEAST_COSINE], second[likely >= LEAST_COSINE]
            low, high = np.minimum(first, second), np.maximum(first, second)
            waiting.append((low * count + high) * 2 + mirrored)
            if sum(map(len, waiting)) >= COMPARED_AT_ONCE:
                seen, new = _unseen(seen, waiting)
                waiting = [np.empty(0, np.int64)]
                yield new // 2 // count, new // 2 % count, new % 2 == 1
                crowds = groups.crowded(CROWD)
        seen, new = _unseen(seen, waiting)
        if len(new):
            yield new // 2 // count, new // 2 % count, new % 2 == 1


def _unseen(seen: np.ndarray, waiting: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return all keys seen by now, and those that are new, both sorted."""
    keys = np.unique(np.concatenate(waiting))
    place = np.searchsorted(seen, keys)
    known = np.zeros(len(keys), bool)
    inside = place < len(seen)
    known[inside] = seen[place[inside]] == keys[inside]
    return np.insert(seen, place[~known], keys[~known]), keys[~known]


def _features(thumbs: np.ndarray) -> np.ndarray:
    """Return (N, 42) float32: low cosine frequencies of unit spread around the set's mean."""
    angle = np.pi * np.outer(np.arange(8), np.arange(SIDE) + 0.5) / SIDE
    cosines = np.cos(angle).astype(np.float32)
    v, u = np.array(FREQUENCIES).T
    parts = [np.empty((0, len(v)), np.float32)]
    for k in range(0, len(thumbs), 4096):
        images = thumbs[k : k + 4096].astype(np.float32)
        images -= images.mean((1, 2), keepdims=True)
        images /= images.std((1, 2), keepdims=True) + 4  # levels: no contrast, no noise made of it
        parts.append((cosines @ images @ cosines.T)[:, v, u])
    features = np.concatenate(parts)
    mean = features.sum(0, dtype=np.float64) / (len(features) + PRIOR)
    features -= np.where(ODD, 0, mean).astype(np.float32)  # with mirrored ones, the odd have mean 0
    spread = np.sqrt(np.square(features, dtype=np.float64).sum(0) / max(len(features), 1))
    features /= np.maximum(spread, 1e-3).astype(np.float32)
    return features


def _meetings(
    features: np.ndarray, turned: np.ndarray, chosen: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """Yield (first, second, mirrored) of faces that meet in one table, some at a time."""
    weights = 1 << np.arange(len(chosen))
    codes = ((features[:, chosen] > 0) @ weights).astype(np.int64)
    order = np.argsort(codes, kind="stable")
    starts = np.zeros((1 << len(chosen)) + 1, np.int32)
    np.cumsum(np.bincount(codes, minlength=1 << len(chosen)), out=starts[1:])
    mirrored_codes = ((turned[:, chosen] > 0) @ weights).astype(np.int64)
    for flips in _probes(features[:, chosen], weights):
        for queries, mirrored in ((codes, False), (mirrored_codes, True)):
            buckets = queries ^ flips
            counts = starts[buckets + 1] - starts[buckets]
            for part in _parts(np.minimum(counts, BUCKET)):
                yield *_members(part, buckets, counts, starts, order), mirrored


def _probes(features: np.ndarray, weights: np.ndarray) -> Iterator[np.ndarray]:
    """Yield, for each bucket to look into, the (N,) bits of the code to turn."""
    yield np.zeros(len(features), np.int64)
    flipped = min(FLIPPED, len(weights))
    nearest = np.argpartition(np.abs(features), flipped - 1, axis=1)[:, :flipped]
    margins = np.take_along_axis(np.abs(features), nearest, axis=1)
    nearest = np.take_along_axis(nearest, np.argsort(margins, axis=1, kind="stable"), axis=1)
    single = [weights[nearest[:, k]] for k in range(flipped)]
    yield from single
    for a, b in DOUBLE_FLIPS:
        if max(a, b) < flipped:
            yield single[a] | single[b]


def _parts(counts: np.ndarray) -> Iterator[np.ndarray]:
    """Yield queries that meet anybody, in chunks that keep memory small."""
    busy = np.flatnonzero(counts)
    totals = np.cumsum(counts[busy])
    cuts = np.searchsorted(totals, np.arange(AT_ONCE, int(totals[-1]) if len(busy) else 0, AT_ONCE))
    yield from np.split(busy, cuts)


def _members(queries, buckets, counts, starts, order) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of each query with the faces of its bucket, 32 at most, from a turn on."""
    size = counts[queries]
    taken = np.minimum(size, BUCKET)
    first = np.repeat(queries, taken)
    ends = np.cumsum(taken)
    step = np.arange(len(first)) - np.repeat(ends - taken, taken)
    turn = np.repeat(np.where(size > BUCKET, queries % np.maximum(size, 1), 0), taken)
    place = np.repeat(starts[buckets[queries]], taken) + (step + turn) % np.repeat(size, taken)
    return first, order[place]
