"""The numbers of an evaluation, in float64 NumPy and nothing else."""

from typing import Any

import numpy as np

from keras_dldl.errors import DataError
from keras_dldl.labels import TIE_TOLERANCE

THRESHOLDS = (3, 5, 8)


def summary(label: Any, value: Any, sigma: Any = None) -> dict[str, Any]:
    """Return the numbers of a set of faces (Gao et al. 2020, section 5), ready for JSON.

    Args:
        label: (N,) true labels, N at least 1.
        value: (N,) predicted values, in the labels' unit.
        sigma: (N,) standard deviation of the annotators; NaN or negative where it is not known.
            None where no face has one.

    Returns:
        `n`; `mae`; `bias`, the mean of value - label; `cs` with the keys "3", "5", "8", in percent;
        `rmse`; `pearson`, None where it is undefined; `epsilon_error` over the faces with a sigma,
        None where there are none; `notes`, a sentence for each number that is None or does not
        cover all faces.

    Raises:
        DataError: no faces, arrays of different length, or a label or value that is not finite.

    >>> summary([20, 30], [21, 34])["mae"]
    2.5
    """
    label, value, sigma = _checked(label, value, sigma)
    error = value - label
    pearson, pearson_note = _pearson(label, value)
    epsilon, epsilon_note = _epsilon_error(error, sigma)
    return {
        "n": int(error.size),
        "mae": float(np.abs(error).mean()),
        "bias": float(error.mean()),
        "cs": {str(t): cumulative_score(error, t) for t in THRESHOLDS},
        "rmse": float(np.sqrt(np.square(error).mean())),
        "pearson": pearson,
        "epsilon_error": epsilon,
        "notes": [note for note in (pearson_note, epsilon_note) if note],
    }


def cumulative_score(error: np.ndarray, threshold: float) -> float:
    """Return CS(t): the share of (N,) errors with |error| <= `threshold`, in percent.

    As with the metric `CumulativeScore`, an error within 1e-5 (years, points) of the threshold
    counts as equal to it: 8.3 - 5.3 is not exactly 3 in binary.

    >>> cumulative_score(np.array([-3.0, 1.0, 4.0, 9.0]), 3)
    50.0
    """
    return float(100 * np.mean(np.abs(error) <= threshold + TIE_TOLERANCE))


def coverage(label: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Return how often the truth lies in an interval, ends included, in percent; all (N,).

    >>> coverage(np.array([30, 40]), np.array([25.0, 41.0]), np.array([31.0, 50.0]))
    50.0
    """
    return float(100 * np.mean((label >= low) & (label <= high)))


def epsilon_errors(error: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Return 1 - exp(-error^2 / (2 sigma^2)), (N,); NaN where sigma is negative or NaN.

    With sigma 0, an error counts 1.
    """
    known = np.isfinite(sigma) & (sigma >= 0)
    scaled = np.where(error == 0, 0.0, np.inf)
    with np.errstate(over="ignore"):  # an overflow means infinitely many sigmas away: 1
        np.divide(error, sigma, out=scaled, where=known & (sigma > 0))
        return np.where(known, -np.expm1(-0.5 * scaled**2), np.nan)


def _checked(label: Any, value: Any, sigma: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    label, value = np.asarray(label, np.float64), np.asarray(value, np.float64)
    sigma = np.full(label.shape, np.nan) if sigma is None else np.asarray(sigma, np.float64)
    if label.ndim != 1 or not label.size or not label.shape == value.shape == sigma.shape:
        raise DataError(
            "`label`, `value` and `sigma` must be of one length, at least 1. Received: shapes "
            f"{label.shape}, {value.shape}, {sigma.shape}"
        )
    for name, array in (("label", label), ("value", value)):
        if not np.isfinite(array).all():
            bad = int(np.flatnonzero(~np.isfinite(array))[0])
            raise DataError(
                f"Every {name} must be a finite number. Received: {array[bad]} in row {bad}"
            )
    return label, value, sigma


def _pearson(label: np.ndarray, value: np.ndarray) -> tuple[float | None, str]:
    if label.size < 2:
        return None, "pearson needs at least two faces"
    for name, array in (("label", label), ("prediction", value)):
        if np.ptp(array) == 0:
            return None, f"pearson is undefined: every {name} is the same"
    x, y = label - label.mean(), value - value.mean()
    # Norms are divided out first, so that tiny spreads do not underflow in the product.
    r = (x / np.linalg.norm(x)) @ (y / np.linalg.norm(y))
    return float(np.clip(r, -1.0, 1.0)), ""


def _epsilon_error(error: np.ndarray, sigma: np.ndarray) -> tuple[float | None, str]:
    found = epsilon_errors(error, sigma)
    known = found[np.isfinite(found)]
    if not known.size:
        return None, "epsilon_error needs a sigma, which no face has"
    left_out = found.size - known.size
    note = f"epsilon_error leaves out {left_out} faces without sigma" if left_out else ""
    return float(known.mean()), note
