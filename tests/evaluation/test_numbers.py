"""The numbers against SciPy, scikit-like loops and hand arithmetic."""

import math

import numpy as np
import pytest
from scipy import stats

from keras_dldl.errors import DataError
from keras_dldl.evaluation.numbers import coverage, cumulative_score, summary


def test_hand_arithmetic():
    # errors: +1, -3, +5, -9
    found = summary([20, 30, 40, 50], [21, 27, 45, 41], [1, 3, np.nan, -1])
    assert found["n"] == 4
    assert found["mae"] == (1 + 3 + 5 + 9) / 4
    assert found["bias"] == (1 - 3 + 5 - 9) / 4
    assert found["cs"] == {"3": 50.0, "5": 75.0, "8": 75.0}
    assert found["rmse"] == pytest.approx(math.sqrt((1 + 9 + 25 + 81) / 4), rel=1e-15)
    # Only the first two rows have a sigma; both lie exactly one sigma away.
    assert found["epsilon_error"] == pytest.approx(1 - math.exp(-0.5), rel=1e-15)
    assert found["notes"] == ["epsilon_error leaves out 2 faces without sigma"]


@pytest.mark.parametrize("seed", range(3))
def test_against_scipy_and_a_slow_loop(seed):
    random = np.random.default_rng(seed)
    label = random.uniform(0, 100, 57)
    value = label + random.normal(0, 6, 57)
    sigma = random.uniform(0.5, 7, 57)
    found = summary(label.astype(np.float32), value, sigma)
    label = label.astype(np.float32).astype(np.float64)
    epsilon = [
        1 - math.exp(-((v - y) ** 2) / (2 * s**2))
        for y, v, s in zip(label, value, sigma, strict=True)
    ]
    within = sum(abs(v - y) <= 5 for y, v in zip(label, value, strict=True))
    assert found["pearson"] == pytest.approx(stats.pearsonr(label, value).statistic, rel=1e-12)
    assert found["epsilon_error"] == pytest.approx(math.fsum(epsilon) / 57, rel=1e-12)
    assert found["cs"]["5"] == pytest.approx(100 * within / 57, rel=1e-12)
    assert found["notes"] == []


def test_an_error_equal_to_the_threshold_counts_as_with_the_metric():
    from keras_dldl.labels import LabelGrid
    from keras_dldl.metrics import CumulativeScore

    assert cumulative_score(np.array([3.0, -3.0, 3.0001]), 3) == pytest.approx(200 / 3)
    assert 8.3 - 5.3 > 3, "this case must be one that binary fractions get wrong"
    assert cumulative_score(np.array([8.3 - 5.3, 5.3 - 8.3]), 3) == 100.0
    label = np.full(5, 20.0)
    value = label + [3.0, 3 + 5e-6, 3 + 5e-5, -3 - 5e-6, 9.0]
    metric = CumulativeScore(LabelGrid.age(), threshold=3, dtype="float64")
    assert cumulative_score(value - label, 3) == float(metric(label, value)) == 60.0


@pytest.mark.parametrize(
    ("label", "value", "note"),
    [
        ([30], [31], "at least two"),
        ([30, 30], [31, 35], "label is the same"),
        ([30, 40], [35, 35], "prediction is the same"),
    ],
)
def test_pearson_is_null_where_it_is_undefined_and_says_so(label, value, note):
    found = summary(label, value, [2] * len(label))
    assert found["pearson"] is None
    assert note in found["notes"][0]


def test_pearson_of_tiny_spreads_and_of_a_perfect_model():
    label = np.array([1.0, 2.0, 3.0])
    assert summary(label, label * 1e-160)["pearson"] == pytest.approx(1.0, abs=1e-12)
    assert summary(label, label)["pearson"] <= 1.0
    assert summary(label, -label)["pearson"] >= -1.0


@pytest.mark.parametrize("sigma", [None, [np.nan, np.nan], [-1, -1]])
def test_epsilon_error_is_null_where_no_face_has_a_sigma(sigma):
    found = summary([20, 30], [21, 31], sigma)
    assert found["epsilon_error"] is None
    assert any("no face has" in note for note in found["notes"])


def test_epsilon_error_at_sigma_zero_is_the_limit():
    assert summary([20, 30], [20, 30.5], [0, 0])["epsilon_error"] == 0.5
    assert summary([20, 30], [20.1, 130.5], [1e-300, 1e-300])["epsilon_error"] == 1.0


@pytest.mark.parametrize(
    ("label", "value", "sigma", "message"),
    [
        ([], [], None, "at least 1"),
        ([1, 2], [1], None, r"shapes \(2,\), \(1,\)"),
        ([1, 2], [1, 2], [1], "one length"),
        ([1, 2], [1, np.nan], None, "Every value .* nan in row 1"),
        ([np.inf, 2], [1, 1], None, "Every label .* inf in row 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(label, value, sigma, message):
    with pytest.raises(DataError, match=message):
        summary(label, value, sigma)


def test_coverage_counts_both_ends():
    ends = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert coverage(np.array([1.0, 4.0]), *ends) == 100.0
    assert coverage(np.array([0.9, 4.0]), *ends) == 50.0
