"""Ranking as label distribution learning: from distributions to ranking codes and back.

A ranking network answers K-1 times "is it older than l_k?". Its answers `r_k` are 1 minus a
cumulative distribution, `1 - c_k`: a linear image of the label distribution, which can be undone
(Gao et al. 2018/2020, section 3). `ops.ranking_code`, `ops.distribution_to_ranking` and
`ops.ranking_to_distribution` are the plain ways there and back; here is what it takes to hold
them against each other: the Gaussian in closed form, and the nearest code that falls.

Like `ops` on any Keras back end, in float32 or better. Shapes: B rows, K labels, M answers.
"""

from typing import Any

from keras import ops

from keras_dldl.ops import (
    compute_dtype,
    ranking_code,
    ranking_to_distribution,
    smallest,
    to_tensor,
)


def gaussian_ranking(y: Any, sigma: Any, labels: Any, midpoints: bool = True) -> Any:
    """Return `1 - c_k`, k = 1..K-1, of a Gaussian label distribution in closed form.

    `1 - c_k = 1/2 (1 - erf((x_k - y) / (sigma sqrt 2)))`. At `x_k = l_k` that is the paper's
    formula, of the continuous Gaussian. The discretised one adds up the mass of whole steps: its
    sum reaches to the midpoint between two labels, so that is where the closed form comes near
    it. Neither knows of the grid's ends, where the discretised one is cut and renormalised.

    Args:
        y: labels, (B,), in the grid's unit.
        sigma: standard deviations, (B,) or one for all; 0 gives the ranking code itself.
        labels: the grid, (K,).
        midpoints: whether `x_k` is halfway to the next label, or the label `l_k`.

    Returns:
        (B, K-1), in [0, 1], falling along the row.

    >>> import numpy as np
    >>> r = gaussian_ranking(np.array([1.5]), 1.0, np.arange(4.0))
    >>> np.asarray(r).round(4).tolist()
    [[0.8413, 0.5, 0.1587]]
    """
    dtype = compute_dtype(y, sigma, labels)
    y, sigma, labels = (to_tensor(value, dtype) for value in (y, sigma, labels))
    x = labels[:-1] + (0.5 * (labels[1] - labels[0]) if midpoints else 0.0)
    spread = sigma[..., None]
    distance = (x - y[..., None]) / ops.maximum(spread, smallest(spread))
    smooth = 0.5 * (1.0 - ops.erf(distance * 0.5**0.5))
    return ops.where(spread > 0.0, smooth, ranking_code(y, labels))


def falling(r: Any) -> Any:
    """Return the code nearest to `r`, in squares, that does not rise along the row.

    That is isotonic regression, which the pool-adjacent-violators algorithm finds by merging
    neighbours; here by its other description, a formula without branches for every back
    end: `min_{i<=k} max_{j>=k} mean(r_i ... r_j)` (Robertson, Wright and Dykstra 1988,
    section 1.4).

    Args:
        r: the outputs of a ranking network, (B, M). Takes B x M x M numbers of memory.

    Returns:
        (B, M); `r`, to rounding, where it does not rise.

    >>> import numpy as np
    >>> np.asarray(falling(np.array([[0.9, 0.4, 0.6, 0.1]]))).round(6).tolist()
    [[0.9, 0.5, 0.5, 0.1]]
    """
    r = to_tensor(r, compute_dtype(r))
    size = r.shape[-1]
    sums = ops.pad(ops.cumsum(r, axis=-1), ((0, 0), (1, 0)))
    first, last = ops.arange(size)[:, None], ops.arange(size)[None, :]
    counts = ops.cast(ops.maximum(last - first + 1, 1), r.dtype)
    means = (sums[:, None, 1:] - sums[:, :-1, None]) / counts  # (B, i, j)
    # A mean of one number is that number, without the rounding of the sums.
    means = ops.where(first == last, r[:, None, :], means)
    top = ops.where(first <= last, means, -float("inf"))
    highest = ops.associative_scan(ops.maximum, top, reverse=True, axis=2)  # over j >= k
    return ops.min(ops.where(first <= last, highest, float("inf")), axis=1)


def nearest_distribution(r: Any) -> Any:
    """Return the distribution whose ranking code is nearest to `r`, in squares.

    The code is made to fall (`falling`) and cut to [0, 1], which together is the nearest falling
    code in that range; the distribution is its differences. `ops.ranking_to_distribution` sorts
    instead: that keeps the decoded label `l[sum_k 1(r_k >= 0.5)]`, and is what the methods use.

    Args:
        r: ranking codes, (B, K-1).

    Returns:
        (B, K), not negative, rows sum to 1.

    >>> import numpy as np
    >>> np.asarray(nearest_distribution(np.array([[1.0, 0.3, 0.5]]))).round(6).tolist()
    [[0.0, 0.6, 0.0, 0.4]]
    """
    return ranking_to_distribution(falling(r))  # which has nothing left to sort
