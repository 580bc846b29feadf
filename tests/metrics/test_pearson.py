import numpy as np
import pytest
from scipy import stats

from keras_dldl.labels import LabelGrid
from keras_dldl.metrics import ExpectationPearson
from tests import reference

GRID = LabelGrid.scut_fbp()
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def stream(metric, y, y_hat, stops):
    for start, stop in zip([0, *stops], [*stops, len(y)], strict=True):
        metric.update_state(y[start:stop], y_hat[start:stop])
    return float(metric.result())


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("offset", [0, 100, -3000])
@pytest.mark.parametrize("slope", [1.0, -0.3, 1e-3])
def test_against_scipy(dtype, offset, slope):
    rng = np.random.default_rng(1)
    y = (offset + rng.normal(size=997)).astype(dtype)
    y_hat = (slope * y + abs(slope) * rng.normal(size=997)).astype(dtype)
    expected = stats.pearsonr(y.astype(float), y_hat.astype(float)).statistic
    found = stream(ExpectationPearson(GRID, dtype=dtype), y, y_hat, [1, 4, 5, 600])
    assert found == pytest.approx(expected, rel=TOLERANCE[dtype])


def test_a_large_mean_does_not_swamp_a_small_spread():
    rng = np.random.default_rng(2)
    y = (1000 + 0.01 * rng.normal(size=500)).astype(np.float32)
    y_hat = (y + 0.01 * rng.normal(size=500)).astype(np.float32)
    expected = stats.pearsonr(y.astype(float), y_hat.astype(float)).statistic
    assert stream(ExpectationPearson(GRID), y, y_hat, [7, 300]) == pytest.approx(expected, rel=1e-3)
    naive = np.float32(500) * np.sum(y * y) - np.sum(y) ** 2
    assert abs(naive / (500 * 500) - y.astype(float).var()) > y.astype(float).var()


def test_not_the_mean_of_the_batches():
    y = np.array([1.0, 2.0, 3.0, 4.0])
    y_hat = np.array([2.0, 1.0, 4.0, 3.0])  # -1 within each half, 0.6 over all
    assert stream(ExpectationPearson(GRID), y, y_hat, [2]) == pytest.approx(0.6)


def test_sorted_batches_of_very_different_means():
    y = np.sort(np.random.default_rng(3).uniform(0, 100, 1001)).astype(np.float32)
    y_hat = (0.5 * y + np.random.default_rng(4).normal(size=1001)).astype(np.float32)
    expected = stats.pearsonr(y.astype(float), y_hat.astype(float)).statistic
    found = stream(ExpectationPearson(GRID), y, y_hat, list(range(10, 1000, 10)))
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("constant", [0.0, 0.1, 37.3, -1234.567])
def test_constant_values_are_zero_not_noise(dtype, constant):
    y = np.random.default_rng(5).uniform(0, 100, 3001).astype(dtype)
    flat = np.full(3001, constant, dtype)
    for left, right in ((y, flat), (flat, y), (flat, flat)):
        found = stream(ExpectationPearson(GRID, dtype=dtype), left, right, [1, 3, 700, 2990])
        assert found == 0.0


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_values_that_differ_by_rounding_alone_count_as_constant(dtype):
    y = np.arange(200.0, dtype=dtype)
    flat = np.full(200, 37.3, dtype)
    flat[100:] = np.nextafter(flat[100:], 100, dtype=dtype)
    # Two steps of rounding, taken at their word, would correlate well with anything that rises.
    assert reference.weighted_pearson(y, flat - flat[0], np.ones(200)) > 0.8
    assert stream(ExpectationPearson(GRID, dtype=dtype), y, flat, [30]) == 0.0


def test_one_row_is_zero_and_two_are_a_line():
    metric = ExpectationPearson(GRID)
    assert float(metric(np.array([2.0]), np.array([3.0]))) == 0.0
    assert float(metric(np.array([3.0]), np.array([2.0]))) == pytest.approx(-1.0)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_tiny_and_huge_values(scale):
    rng = np.random.default_rng(6)
    y = rng.normal(size=50)
    y_hat = y + rng.normal(size=50)
    expected = stats.pearsonr(y, y_hat).statistic
    found = stream(ExpectationPearson(GRID), y * scale, y_hat * scale, [20])
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_batch_of_weight_zero_changes_nothing():
    metric = ExpectationPearson(GRID)
    metric.update_state(np.array([7.0, 3.0]), np.array([1.0, 2.0]), np.zeros(2))
    y, y_hat = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0])
    metric.update_state(y, y_hat)
    metric.update_state(np.array([7.0, 3.0]), np.array([1.0, 2.0]), np.zeros(2))
    assert float(metric.result()) == pytest.approx(stats.pearsonr(y, y_hat).statistic, rel=1e-6)
