"""The label maths as pure functions of `keras.ops`, the same on every Keras back end.

All of them compute in float32 or better: float64 arguments give float64, half precision gives
float32. Shapes: B rows, K labels. The reference is Gao et al. 2018/2020 (DLDL-v2), section 3.
"""

from typing import Any

import numpy as np
from keras import backend, ops

from keras_dldl._utils.backends import has_float64
from keras_dldl.labels import HALF_TOLERANCE, TIE_TOLERANCE


def compute_dtype(*values: Any) -> str:
    """Return the dtype to compute in: float64 if any of `values` has it, else float32.

    Plain Python numbers and lists have no say. Where JAX has no float64 to give, always float32.

    >>> compute_dtype(np.zeros(3, np.float16), 1.0)
    'float32'
    """
    dtypes = [backend.standardize_dtype(x.dtype) for x in values if hasattr(x, "dtype")]
    return "float64" if "float64" in dtypes and has_float64() else "float32"


def to_tensor(value: Any, dtype: str) -> Any:
    """Return `value` as a tensor of `dtype`; a symbolic tensor stays symbolic.

    >>> tuple(to_tensor([1, 2, 3], "float32").shape)
    (3,)
    """
    if backend.is_keras_tensor(value):
        return ops.cast(value, dtype)
    if dtype == "float64" and not has_float64():
        dtype = "float32"  # as it would become anyway, with a warning each time
    return ops.convert_to_tensor(value, dtype=dtype)


def smallest(x: Any) -> float:
    """Return the smallest normal number of the dtype of `x`: a floor for ln and 1/x.

    >>> smallest(np.zeros(1, np.float32)) == 2.0**-126
    True
    """
    # Of the tensor, not of the dtype asked for: JAX may have only float32 to give. And of what
    # becomes of it beside a number: on PyTorch Keras makes float32 of float64 there.
    dtype = backend.result_type(backend.standardize_dtype(x.dtype), float)
    return float(np.finfo(dtype).tiny)


def nearest_label(y: Any, labels: Any) -> Any:
    """Return the index of the label nearest to each `y`, of the shape of `y`, int32.

    A tie (within 1e-5 of a step) takes the lower label; values beyond the ends take the end.
    `LabelGrid.nearest_index` is the same for NumPy.

    Args:
        y: label values, any shape.
        labels: the grid, (K,), evenly spaced and ascending.

    >>> import numpy as np
    >>> np.asarray(nearest_label(np.array([12.0, 15.0, 99.0]), np.array([10.0, 20.0]))).tolist()
    [0, 0, 1]
    """
    dtype = compute_dtype(y, labels)
    y, labels = to_tensor(y, dtype), to_tensor(labels, dtype)
    step = labels[1] - labels[0]
    above_midpoint = y[..., None] > labels[:-1] + (0.5 + TIE_TOLERANCE) * step
    return ops.sum(ops.cast(above_midpoint, "int32"), axis=-1)


def label_distribution(y: Any, sigma: Any, labels: Any) -> Any:
    """Return the discretised, renormalised Gaussian of each label (section 3).

    `p_k = exp(-(l_k - y)^2 / (2 sigma^2)) / sum_j exp(-(l_j - y)^2 / (2 sigma^2))`. Near the ends
    of the grid the Gaussian is cut, so its expectation is not `y`.

    Args:
        y: labels, (B,), in the grid's unit; may lie off the grid or beyond its ends.
        sigma: standard deviations in the same unit, (B,) or one for all. Any value from 0 to
            infinity: 0 gives all mass to the nearest label, the lower one of a tie.
        labels: the grid, (K,).

    Returns:
        (B, K), rows sum to 1. Never NaN for numbers in the ranges above.

    >>> import numpy as np
    >>> p = label_distribution(np.array([30.0, 30.0]), np.array([2.0, 0.0]), np.arange(101.0))
    >>> tuple(p.shape), round(float(p[0, 30]), 4), float(p[1, 30])
    ((2, 101), 0.1995, 1.0)
    """
    dtype = compute_dtype(y, sigma, labels)
    y, sigma, labels = (to_tensor(value, dtype) for value in (y, sigma, labels))
    y, sigma = y[..., None], sigma[..., None]
    # The exponents relative to the nearest label, whose own is 0, so that some term is always
    # exp(0) = 1 however small sigma is. (l_k - y)^2 - (l_n - y)^2 is factored, since the
    # difference of the squares would lose digits, and infinity minus infinity is NaN.
    distance = ops.abs(labels - ops.clip(y, labels[0], labels[-1]))
    nearest = ops.take(labels, ops.argmin(distance, axis=-1))[..., None]
    excess = ops.maximum((labels - nearest) * (labels + nearest - 2.0 * y), 0.0)
    # Divided twice: the square of a small sigma would be 0.
    scale = ops.maximum(sigma, smallest(sigma))
    gaussian = ops.softmax(-0.5 * (excess / scale) / scale, axis=-1)
    one_hot = ops.one_hot(nearest_label(y[..., 0], labels), labels.shape[0], dtype=dtype)
    return ops.where(sigma <= 0.0, one_hot, gaussian)


def expectation(p: Any, labels: Any) -> Any:
    """Return `sum_k l_k p_k` of each row, (B,), in the grid's unit (section 3).

    Args:
        p: distributions, (B, K).
        labels: the grid, (K,).

    >>> import numpy as np
    >>> float(expectation(np.array([[0.25, 0.75]]), np.array([10.0, 20.0]))[0])
    17.5
    """
    dtype = compute_dtype(p, labels)
    # Not a matrix product: accelerators shorten its operands to 10 bits by default.
    return ops.sum(to_tensor(p, dtype) * to_tensor(labels, dtype), axis=-1)


def variance(p: Any, labels: Any) -> Any:
    """Return `sum_k p_k (l_k - expectation)^2` of each row, (B,), in the square of the unit.

    >>> import numpy as np
    >>> float(variance(np.array([[0.5, 0.5]]), np.array([10.0, 20.0]))[0])
    25.0
    """
    dtype = compute_dtype(p, labels)
    p, labels = to_tensor(p, dtype), to_tensor(labels, dtype)
    return ops.sum(p * ops.square(labels - expectation(p, labels)[..., None]), axis=-1)


def median(p: Any, labels: Any) -> Any:
    """Return the median label of each row, (B,): `l[sum_k 1(r_k >= 0.5)]` with `r_k = 1 - c_k`.

    A mass within 1e-5 of one half counts as half. The arguments are those of `expectation`.

    >>> import numpy as np
    >>> float(median(np.array([[0.2, 0.2, 0.6]]), np.array([10.0, 20.0, 30.0]))[0])
    30.0
    """
    dtype = compute_dtype(p, labels)
    reached = distribution_to_ranking(to_tensor(p, dtype)) >= 0.5 - HALF_TOLERANCE
    return ops.take(to_tensor(labels, dtype), ops.sum(ops.cast(reached, "int32"), axis=-1))


def decode(p: Any, labels: Any, decoder: str = "expectation") -> Any:
    """Return the value of each row, (B,), by "expectation" or "median".

    `LabelGrid.decode` is the same for NumPy.

    >>> import numpy as np
    >>> float(decode(np.array([[0.25, 0.75]]), np.array([10.0, 20.0]), "median")[0])
    20.0
    """
    return {"expectation": expectation, "median": median}[decoder](p, labels)


def cumulative(p: Any) -> Any:
    """Return the cumulative distribution `c_k = sum_{j<=k} p_j`, (B, K) from (B, K).

    >>> import numpy as np
    >>> np.asarray(cumulative(np.array([[0.25, 0.5, 0.25]]))).tolist()
    [[0.25, 0.75, 1.0]]
    """
    return ops.cumsum(to_tensor(p, compute_dtype(p)), axis=-1)


def ranking_code(y: Any, labels: Any) -> Any:
    """Return the ranking code `r_k = 1(y > l_k)`, k = 1..K-1, of each label (section 3).

    `y` within 1e-5 of a step of `l_k` counts as equal, so float32 and float64 labels agree.

    Args:
        y: labels, (B,), in the grid's unit.
        labels: the grid, (K,).

    Returns:
        (B, K-1) of zeros and ones.

    >>> import numpy as np
    >>> np.asarray(ranking_code(np.array([2.0]), np.array([1.0, 2.0, 3.0]))).tolist()
    [[1.0, 0.0]]
    """
    dtype = compute_dtype(y, labels)
    y, labels = to_tensor(y, dtype), to_tensor(labels, dtype)
    tolerance = TIE_TOLERANCE * (labels[1] - labels[0])
    return ops.cast(y[..., None] > labels[:-1] + tolerance, dtype)


def distribution_to_ranking(p: Any) -> Any:
    """Return `1 - c_k`, k = 1..K-1: the ranking code a distribution stands for (section 3).

    Args:
        p: distributions, (B, K); rows sum to 1.

    Returns:
        (B, K-1), never negative and never rising along the row.

    >>> import numpy as np
    >>> np.asarray(distribution_to_ranking(np.array([[0.25, 0.5, 0.25]]))).tolist()
    [[0.75, 0.25]]
    """
    # 1 - c_k is the mass above k. Summed from that end it cannot come out below 0.
    mass_from = ops.flip(cumulative(ops.flip(p, axis=-1)), axis=-1)
    return mass_from[..., 1:]


def ranking_to_distribution(r: Any) -> Any:
    """Return the distribution a ranking code stands for, the inverse of `distribution_to_ranking`.

    The outputs of a ranking network need not fall along the row. They are clipped to [0, 1] and
    sorted first: sorting moves a code towards every falling one, and keeps both the decoded
    label `sum_k 1(r_k >= 0.5)` and the expectation.

    Args:
        r: ranking codes, (B, K-1).

    Returns:
        (B, K), rows sum to 1.

    >>> import numpy as np
    >>> np.asarray(ranking_to_distribution(np.array([[0.75, 0.25]]))).tolist()
    [[0.25, 0.5, 0.25]]
    """
    r = ops.clip(to_tensor(r, compute_dtype(r)), 0.0, 1.0)
    falling = -ops.sort(-r, axis=-1)
    end = falling[..., :1]
    padded = ops.concatenate([ops.ones_like(end), falling, ops.zeros_like(end)], axis=-1)
    return padded[..., :-1] - padded[..., 1:]


def position_distribution(position: Any, size: int) -> Any:
    """Return the distribution on the two labels next to a position whose expectation it is.

    Args:
        position: (B,), in steps from the first label; cut to 0 ... `size` - 1.
        size: number of labels, K.

    Returns:
        (B, K), rows sum to 1.

    >>> import numpy as np
    >>> np.asarray(position_distribution(np.array([1.25]), 4)).tolist()
    [[0.0, 0.75, 0.25, 0.0]]
    """
    position = ops.clip(to_tensor(position, compute_dtype(position)), 0.0, size - 1.0)
    steps = ops.arange(size, dtype=backend.standardize_dtype(position.dtype))
    return ops.maximum(1.0 - ops.abs(position[..., None] - steps), 0.0)


def softmax32(logits: Any) -> Any:
    """Return the softmax over the last axis, in float32 or better whatever the logits' dtype.

    >>> import numpy as np
    >>> np.asarray(softmax32(np.zeros((1, 4), "float16"))).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    return ops.softmax(to_tensor(logits, compute_dtype(logits)), axis=-1)


def kl_divergence(p: Any, q: Any) -> Any:
    """Return the Kullback-Leibler divergence `sum_k p_k ln(p_k / q_k)` of each row, (B,).

    In nats; `0 ln 0` is 0. Finite, with finite gradients, where q is 0: q is taken as no less
    than the smallest normal number (about 1e-38 in float32), so a lost unit of mass costs 87.

    Args:
        p: target distributions, (B, K).
        q: predicted distributions, (B, K).

    >>> import numpy as np
    >>> round(float(kl_divergence(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]]))[0]), 4)
    0.6931
    """
    dtype = compute_dtype(p, q)
    p, q = to_tensor(p, dtype), to_tensor(q, dtype)
    return _kl_from_log(p, ops.log(ops.maximum(q, smallest(q))))


def kl_divergence_from_logits(p: Any, logits: Any) -> Any:
    """Return the divergence of `softmax(logits)` from `p`, (B,), without clipping.

    Args:
        p: target distributions, (B, K).
        logits: (B, K).

    >>> p = np.array([[0.5, 0.5]])
    >>> round(float(kl_divergence_from_logits(p, np.log([[0.25, 0.75]]))[0]), 4)  # ln(4/3) / 2
    0.1438
    """
    dtype = compute_dtype(p, logits)
    return _kl_from_log(to_tensor(p, dtype), ops.log_softmax(to_tensor(logits, dtype), axis=-1))


def _kl_from_log(p: Any, log_q: Any) -> Any:
    log_p = ops.log(ops.maximum(p, smallest(p)))
    # A logit of -inf where p is 0 is no loss, but 0 * inf is NaN.
    log_q = ops.where(p > 0.0, log_q, 0.0)
    return ops.sum(p * (log_p - log_q), axis=-1)


def split_label_sigma(y_true: Any, default_sigma: float) -> tuple[Any, Any]:
    """Return `(y, sigma)`, both (B,), from any of the shapes losses and metrics take.

    Of a mixture these are its expectation and its standard deviation.

    Args:
        y_true: see `target_parts`.
        default_sigma: the sigma of a label that brings none.

    Raises:
        ValueError: `y_true` has another shape.

    >>> import numpy as np
    >>> y, sigma = split_label_sigma(np.array([[31.0, 4.5], [52.0, -1.0]]), 2.0)
    >>> np.asarray(sigma).tolist()
    [4.5, 2.0]
    """
    parts = target_parts(y_true, default_sigma)
    if len(parts) == 1:
        _, y, sigma = parts[0]
        return y, sigma
    y = sum(weight * label for weight, label, _ in parts)
    variances = [w * (ops.square(sigma) + ops.square(label - y)) for w, label, sigma in parts]
    return y, ops.sqrt(sum(variances))


def target_distribution(y_true: Any, default_sigma: float, labels: Any) -> Any:
    """Return the label distribution, (B, K), of any of the shapes losses and metrics take.

    Of a mixture it is the mixture of both distributions (mixup: Zhang et al. 2018), not the
    distribution around the mixed label: between 20 and 60 it says 20 or 60, and not 40.

    Args:
        y_true: see `target_parts`.
        default_sigma: the sigma of a label that brings none.
        labels: the grid, (K,).

    >>> import numpy as np
    >>> p = target_distribution(np.array([[0.0, 0.0, 2.0, 0.0, 0.25]]), 2.0, np.arange(3.0))
    >>> np.asarray(p).tolist()
    [[0.25, 0.0, 0.75]]
    """
    parts = [
        (weight, label_distribution(y, sigma, labels))
        for weight, y, sigma in target_parts(y_true, default_sigma)
    ]
    if len(parts) == 1:
        return parts[0][1]
    return sum(weight[..., None] * p for weight, p in parts)


def target_parts(y_true: Any, default_sigma: float) -> list[tuple[Any, Any, Any]]:
    """Return the labels in `y_true`, one or two a row, each as (weight, y, sigma), all (B,).

    Args:
        y_true: (B,) or (B, 1): labels; (B, 2): labels and their sigma; or (B, 5), a mixture:
            label, sigma, second label, its sigma, and the weight of the first, 0 ... 1. A sigma
            that is negative or NaN was not given.
        default_sigma: the sigma of a label that brings none.

    Raises:
        ValueError: `y_true` has another shape.

    >>> ((weight, y, sigma),) = target_parts(np.array([20.0, 31.0]), default_sigma=2.0)
    >>> [float(x[1]) for x in (weight, y, sigma)]
    [1.0, 31.0, 2.0]
    """
    y_true = to_tensor(y_true, compute_dtype(y_true))
    rank, width = len(y_true.shape), (y_true.shape[-1] if len(y_true.shape) else None)
    if rank == 1:
        return [(ops.ones_like(y_true), y_true, ops.full_like(y_true, default_sigma))]
    if rank != 2 or width not in (1, 2, 5):
        raise ValueError(
            "`y_true` has the wrong shape. It must be (B,) or (B, 1), labels, (B, 2), labels and "
            "sigma, or (B, 5), label, sigma, second label, its sigma and the first one's weight. "
            f"Received: y_true.shape={tuple(y_true.shape)}"
        )
    y = y_true[:, 0]
    if width == 1:
        return [(ops.ones_like(y), y, ops.full_like(y, default_sigma))]
    first = (y, _given_sigma(y_true[:, 1], default_sigma))
    if width == 2:
        return [(ops.ones_like(y), *first)]
    weight = y_true[:, 4]
    second = (y_true[:, 2], _given_sigma(y_true[:, 3], default_sigma))
    return [(weight, *first), (1.0 - weight, *second)]


def _given_sigma(sigma: Any, default_sigma: float) -> Any:
    return ops.where(sigma >= 0.0, sigma, default_sigma)
