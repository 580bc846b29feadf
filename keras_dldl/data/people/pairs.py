"""Are these two the same person? Pairs of images, and the error in telling."""

from dataclasses import dataclass

import numpy as np

FOLDS = 10
MOST_PAIRS = 3000  # of the same person, and as many of different people, as in LFW's protocol


@dataclass(frozen=True)
class PersonPairs:
    """Pairs of images by their numbers.

    Args:
        first: (P,) numbers of images.
        second: (P,) numbers of images.
        same: (P,) whether both show one person.
    """

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray


def draw_pairs(labels: np.ndarray) -> PersonPairs:
    """Return as many pairs of the same person as of different people, always the same ones.

    Args:
        labels: (N,) the number of the person on each image; two or more of two people or more.
    """
    rng = np.random.default_rng(0)
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    same = np.concatenate([_all_pairs(group, rng) for group in groups])
    same = rng.permutation(same)[:MOST_PAIRS]
    other = _different(np.asarray(labels), len(same), rng)
    both = np.concatenate([same, other])
    order = rng.permutation(len(both))
    is_same = np.arange(len(both)) < len(same)
    return PersonPairs(both[order, 0], both[order, 1], is_same[order])


def _all_pairs(group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # Of one with very many images, enough: all pairs of ten thousand images are fifty million.
    group = rng.permutation(group)[: int(np.sqrt(2 * MOST_PAIRS)) + 2]
    first, second = np.triu_indices(len(group), 1)
    return np.stack([group[first], group[second]], axis=1)


def _different(labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    found: set[tuple[int, int]] = set()
    possible = (len(labels) ** 2 - np.sum(np.unique(labels, return_counts=True)[1] ** 2)) // 2
    while len(found) < min(count, possible):
        pairs = np.sort(rng.integers(0, len(labels), (2 * count + 2, 2)), axis=1)
        apart = pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]
        for pair in map(tuple, apart.tolist()):
            if len(found) < min(count, possible):
                found.add(pair)
    return np.array(sorted(found), int).reshape(-1, 2)


def similarities(features: np.ndarray, pairs: PersonPairs) -> np.ndarray:
    """Return the cosines of the features of both images of each pair, (P,) float64.

    Args:
        features: (N, C), a row an image.
        pairs: see `draw_pairs`.
    """
    x = np.asarray(features, np.float64)
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    return np.sum(x[pairs.first] * x[pairs.second], axis=1)


def verification_error(scores: np.ndarray, same: np.ndarray) -> float:
    """Return the share of misjudged pairs, the threshold being chosen on the other folds.

    Huang et al. 2007 (Labeled Faces in the Wild), section 3, "image-restricted": ten folds.

    Args:
        scores: (P,) the higher, the liker.
        same: (P,) whether both show one person.

    >>> verification_error(np.array([0.9, 0.8, 0.1, 0.2]), np.array([True, True, False, False]))
    0.0
    """
    fold = np.arange(len(scores)) % FOLDS
    wrong = 0
    for k in np.unique(fold):
        tested = fold == k
        threshold = best_threshold(scores[~tested], same[~tested])
        wrong += int(np.sum((scores[tested] >= threshold) != same[tested]))
    return wrong / len(scores)


def best_threshold(scores: np.ndarray, same: np.ndarray) -> float:
    """Return the threshold that classifies most pairs correctly: midway between two scores."""
    order = np.argsort(scores, kind="stable")
    scores, same = scores[order], same[order]
    # Right at a threshold under the k-th score: the different ones before it, the same from it on.
    right = np.concatenate([[0], np.cumsum(~same)]) + np.concatenate(
        [np.cumsum(same[::-1])[::-1], [0]]
    )
    # Not between equal scores.
    right[1:-1][scores[1:] == scores[:-1]] = -1
    edges = np.concatenate([[scores[0] - 1], (scores[1:] + scores[:-1]) / 2, [scores[-1] + 1]])
    return float(edges[np.argmax(right)])


def ranking_error(scores: np.ndarray, same: np.ndarray) -> float:
    """Return how often a pair of different people is liker than one of the same: 1 - AUC.

    >>> ranking_error(np.array([0.9, 0.3, 0.5]), np.array([True, True, False]))
    0.5
    """
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    n, m = int(same.sum()), int((~same).sum())
    return 1.0 - float((ranks[same].sum() - n * (n + 1) / 2) / (n * m))
