"""The method's formulas in float64 NumPy, row by row where that is the plainest way to write them.

Nothing here is imported from the package, so that agreement means something.
"""

import numpy as np
from scipy.special import logsumexp, rel_entr


def nearest(y, labels):
    """Index of the nearest label, the lower one of an exact tie."""
    return int(np.argmin([abs(label - y) for label in labels]))


def label_distribution(y, sigma, labels):
    """(B, K) from (B,), (B,) or scalar, (K,)."""
    rows = []
    for row_y, row_sigma in zip(y, np.broadcast_to(sigma, np.shape(y)), strict=True):
        if row_sigma == 0:
            rows.append(np.eye(len(labels))[nearest(row_y, labels)])
        else:
            exponent = -0.5 * ((labels - row_y) / row_sigma) ** 2
            rows.append(np.exp(exponent - logsumexp(exponent)))
    return np.array(rows)


def softmax(logits):
    logits = np.asarray(logits, np.float64)
    return np.exp(logits - logsumexp(logits, axis=-1, keepdims=True))


def kl(p, q):
    return rel_entr(p, q).sum(axis=-1)


def split(y_true, sigma):
    """(y, sigma), both (B,), from (B,), (B, 1) or (B, 2)."""
    y_true = np.asarray(y_true, np.float64)
    if y_true.ndim == 1 or y_true.shape[1] == 1:
        return y_true.reshape(-1), np.full(len(y_true), float(sigma))
    given = [s if s >= 0 else sigma for s in y_true[:, 1]]  # false for NaN
    return y_true[:, 0], np.array(given, np.float64)


def label_distribution_loss(y_true, q, labels, sigma=2.0, weight=1.0, kl_reduction="sum"):
    y, row_sigma = split(y_true, sigma)
    divergence = kl(label_distribution(y, row_sigma, labels), q)
    if kl_reduction == "mean":
        divergence = divergence / len(labels)
    return divergence + weight * np.abs(q @ labels - y)


def epsilon_error(y, y_hat, sigma):
    """Of one row."""
    if sigma == 0:
        return float(y_hat != y)
    return 1 - np.exp(-((y_hat - y) ** 2) / (2 * sigma**2))


def weighted_pearson(x, y, weight):
    x, y, weight = (np.asarray(values, np.float64) for values in (x, y, weight))
    dx, dy = x - np.average(x, weights=weight), y - np.average(y, weights=weight)
    return np.sum(weight * dx * dy) / np.sqrt(np.sum(weight * dx**2) * np.sum(weight * dy**2))
