"""Intervals and tests for variants that were measured on the same faces with several seeds.

Faces and seeds are both samples, and every model predicts every face, so both are resampled,
crossed (the "pigeonhole bootstrap": Owen 2007, Annals of Applied Statistics 1). Faces are drawn
once for all models, so differences are paired. Of n seeds n - 1 are drawn, which makes the
variance right for few (Rao and Wu 1988, JASA 83); of one seed that one.
"""

from collections.abc import Mapping

import numpy as np

from keras_dldl.evaluation.confidence import drawn_counts

REPLICATES = 10_000


def bootstrap(
    errors: Mapping[str, Mapping[int, np.ndarray]],
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Resample faces and seeds; return each variant's mean errors, (replicates,).

    Variants with the same training seeds have the same ones drawn: a seed is one order of the
    faces and one start of the backbone, so they are paired by it.

    Args:
        errors: (N,) absolute errors by variant and training seed; the same N faces in all.
        replicates: how many.
        seed: of the drawing; equal seeds give equal results.
    """
    rng = np.random.default_rng(seed)
    rows = [array for by_seed in errors.values() for array in by_seed.values()]
    table = np.asarray(rows, np.float64)
    faces = table.shape[1]
    # (models, replicates): the mean error of each model over each draw of all faces.
    parts = [table @ counts.T / faces for counts in drawn_counts(faces, replicates, rng)]
    table = np.concatenate(parts, axis=1)
    means, first = {}, 0
    drawn: dict[tuple[int, ...], np.ndarray] = {}
    for name, by_seed in errors.items():
        seeds, count = tuple(by_seed), len(by_seed)
        if seeds not in drawn:
            drawn[seeds] = rng.integers(0, count, (max(1, count - 1), replicates))
        own = table[first : first + count]
        means[name] = np.take_along_axis(own, drawn[seeds], axis=0).mean(axis=0)
        first += count
    return means


def p_value(difference: np.ndarray) -> float:
    """Return twice the share of replicates on the rarer side of no difference, at most 1.

    Replicates of no difference count on both sides, and one is added to both counts, so that no p
    is 0. It fits the interval: p < 0.05 where the interval leaves out 0.
    """
    rarer = min((difference <= 0).sum(), (difference >= 0).sum())
    return float(min(1.0, 2 * (rarer + 1) / (len(difference) + 1)))
