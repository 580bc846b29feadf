"""Ranking codes and distributions: against SciPy, sums, and the definition of a projection."""

import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy
from scipy.optimize import isotonic_regression
from scipy.stats import norm

from keras_dldl import ops
from keras_dldl.labels import LabelGrid
from keras_dldl.ranking import falling, gaussian_ranking, nearest_distribution
from tests import reference


def codes(rows, size, seed=0):
    """Falling codes with noise, plain noise, and ones with ties and plateaus."""
    random = np.random.default_rng(seed)
    smooth = norm.sf(np.arange(size), random.uniform(0, size, (rows, 1)), 3)
    noisy = smooth + random.normal(0, 0.2, (rows, size))
    return np.concatenate([noisy, random.normal(size=(rows, size)), noisy.round(1), smooth])


@pytest.mark.parametrize("size", [1, 2, 5, 40, 100])
def test_falling_is_isotonic_regression(size):
    r = codes(16, size)
    expected = np.array([isotonic_regression(row, increasing=False).x for row in r])
    given = to_numpy(falling(r))
    assert given.dtype == np.float64
    np.testing.assert_allclose(given, expected, atol=1e-12)
    np.testing.assert_allclose(to_numpy(falling(r.astype("float32"))), expected, atol=1e-5)


def test_falling_is_a_projection_onto_a_cone():
    # Of all falling codes none is nearer: moving towards any other one leads away from `r`.
    r = codes(8, 30)
    given = to_numpy(falling(r))
    assert np.diff(given).max() <= 1e-12
    random = np.random.default_rng(1)
    for _ in range(50):
        other = np.sort(random.normal(size=r.shape))[:, ::-1]
        assert (((r - given) * (other - given)).sum(axis=1) <= 1e-9).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_distributions_and_codes_are_inverse(dtype):
    p = np.random.default_rng(0).dirichlet(np.full(101, 0.3), 32).astype(dtype)
    r = ops.distribution_to_ranking(p)
    back = to_numpy(nearest_distribution(r))
    np.testing.assert_allclose(back, p, atol={"float32": 2e-6, "float64": 1e-14}[dtype])


def test_the_nearest_distribution_s_code_is_the_nearest_in_range():
    r = 3 * codes(8, 20) - 1
    p = to_numpy(nearest_distribution(r))
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    given = 1 - np.cumsum(p, axis=1)[:, :-1]
    random = np.random.default_rng(2)
    for _ in range(50):
        other = np.sort(random.uniform(size=r.shape))[:, ::-1]
        assert (((r - given) * (other - given)).sum(axis=1) <= 1e-9).all()


@pytest.mark.parametrize("sigma", [0.5, 2.0, 7.5])
def test_the_closed_form_is_the_normal_distribution(sigma):
    y, labels = np.array([0.0, 20.0, 33.3, 64.9, 100.0]), LabelGrid.age().labels64
    at_labels = to_numpy(gaussian_ranking(y, sigma, labels, midpoints=False))
    np.testing.assert_allclose(at_labels, norm.sf(labels[:-1], y[:, None], sigma), atol=1e-15)
    between = to_numpy(gaussian_ranking(y, np.full(5, sigma), labels))
    np.testing.assert_allclose(between, norm.sf(labels[:-1] + 0.5, y[:, None], sigma), atol=1e-15)


@pytest.mark.parametrize(("sigma", "most"), [(1.0, 1.1e-2), (2.0, 2.6e-3), (5.0, 4.1e-4)])
def test_the_closed_form_at_midpoints_is_near_the_sum(sigma, most):
    # The midpoint rule's error falls with the square of step / sigma; at the labels themselves
    # the closed form is half a step behind, an error that falls with step / sigma alone.
    y, labels = np.array([40.0, 50.25, 60.5]), LabelGrid.age().labels64
    summed = 1 - np.cumsum(reference.label_distribution(y, sigma, labels), axis=1)[:, :-1]
    between = np.abs(to_numpy(gaussian_ranking(y, sigma, labels)) - summed).max()
    at_labels = np.abs(to_numpy(gaussian_ranking(y, sigma, labels, midpoints=False)) - summed).max()
    assert between < most
    assert at_labels == pytest.approx(0.5 * norm.pdf(0) / sigma, rel=0.05)


def test_as_sigma_falls_both_become_the_ranking_code():
    y, labels = np.array([0.0, 17.0, 36.4, 100.0]), LabelGrid.age().labels64
    code = to_numpy(ops.ranking_code(y, labels))
    np.testing.assert_array_equal(to_numpy(gaussian_ranking(y, 0.0, labels)), code)
    near = to_numpy(gaussian_ranking(y, 1e-3, labels))
    # Between labels the closed form asks for the nearest label: 36.4 is not over 36 by a half.
    np.testing.assert_allclose(near, to_numpy(ops.ranking_code(np.round(y), labels)), atol=1e-12)
    assert np.isfinite(to_numpy(gaussian_ranking(y, 1e-30, labels.astype("float32")))).all()


def test_gradients_are_finite():
    import tensorflow as tf

    r = tf.Variable(codes(2, 12).astype("float32"))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.square(nearest_distribution(r)))
    assert np.isfinite(tape.gradient(total, r)).all()
