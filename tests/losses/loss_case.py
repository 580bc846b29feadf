"""Routine checks that every loss over a label grid must pass."""

import keras
import numpy as np

from tests import gradients
from tests.gradients import to_numpy

# The two ends of the grid, beyond them, midway between two labels; with and without a sigma.
NO_SIGMA = -1.0


def edge_labels(grid):
    y = [
        grid.start, grid.stop, grid.start - 1e3, grid.stop + 1e3, grid.start + grid.step / 2,
        grid.stop - grid.step / 2,
    ]  # fmt: skip
    return np.array([[value, sigma] for value in y for sigma in (0.0, 3.0, NO_SIGMA)])


def value_and_gradient(loss, y_true, y_pred):
    """Return the loss of each row, and the gradient of their sum."""
    y_true = keras.ops.convert_to_tensor(y_true, y_pred.dtype)
    return gradients.value_and_gradient(lambda x: loss.call(y_true, x), y_pred)


def numeric_gradient(function, x, h=1e-4):
    """Return the gradient of the sum of `function(x)`, float64, by differences of fourth order."""
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        steps = {}
        for k in (-2, -1, 1, 2):
            moved = x.copy()
            moved[index] += k * h
            steps[k] = np.sum(function(moved))
        gradient[index] = (8 * (steps[1] - steps[-1]) - (steps[2] - steps[-2])) / (12 * h)
    return gradient


def check_edges(loss, grid, width, extremes=(0.0, 30.0, -30.0)):
    """Check that edge labels and saturated predictions give finite losses and gradients.

    Args:
        loss: takes (B, width).
        grid: its grid.
        width: of the predictions.
        extremes: of one prediction, the others being 0.
    """
    y_true = edge_labels(grid).astype(np.float32)
    for extreme in extremes:
        for column in {0, width // 2, width - 1}:
            y_pred = np.zeros((len(y_true), width), np.float32)
            y_pred[:, column] = extreme
            rows, gradient = value_and_gradient(loss, y_true, y_pred)
            assert rows.shape == (len(y_true),) and rows.dtype == np.float32
            assert np.isfinite(rows).all() and np.isfinite(gradient).all()


def check_forms(loss, y, y_pred):
    """Check (B,), (B, 1), (B, 2), one row, and both kinds of half precision."""
    import ml_dtypes

    expected = to_numpy(loss.call(y, y_pred))
    for y_true in (y[:, None], np.stack([y, np.full_like(y, NO_SIGMA)], axis=1)):
        np.testing.assert_allclose(to_numpy(loss.call(y_true, y_pred)), expected, rtol=1e-6)
    one = to_numpy(loss.call(y[:1], y_pred[:1]))
    np.testing.assert_allclose(one, expected[:1], rtol=1e-6)
    for half in (np.float16, ml_dtypes.bfloat16):
        given = y_pred.astype(half)
        found = loss.call(y, given)
        exact = loss.call(y, given.astype(np.float32))
        np.testing.assert_allclose(to_numpy(found), to_numpy(exact), rtol=1e-6)
        assert to_numpy(found).dtype == np.float32
