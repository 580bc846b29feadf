"""Losses in half precision: labels and sums stay float32, as in NumPy's float64."""

from functools import partial

import keras
import numpy as np
import pytest

from keras_dldl import losses
from keras_dldl.labels import LabelGrid

HALVES = ("float16", "bfloat16", "mixed_float16")
RATINGS = LabelGrid(1, 5, 0.1)


def softmax(x):
    mass = np.exp(x - x.max(axis=1, keepdims=True))
    return mass / mass.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("half", HALVES)
def test_a_label_of_the_grid_is_not_above_itself(half):
    """1.4 is 1.4004 in float16: its ranking code has 1 for the labels 1 ... 1.3 only."""
    logits = np.where(RATINGS.labels64[:-1] < 1.35, 4.0, -4.0)[None]
    expected = np.log1p(np.exp(-4.0)) * logits.size
    loss = losses.RankingLoss(RATINGS, from_logits=True, dtype=half)
    assert float(loss(np.array([1.4]), logits)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("half", HALVES)
def test_squares_and_their_sums_fit(half):
    grid = LabelGrid(0, 2000, 10)
    y, q = np.zeros(64), np.eye(grid.size)[np.full(64, -1)]
    loss = losses.ExpectationLoss(grid, norm="l2", reduction="sum", dtype=half)
    assert float(loss(y, q)) == pytest.approx(64 * 2000.0**2)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize(
    ("make", "width"),
    [
        (losses.LabelDistributionLoss, 41),
        (losses.ExpectationLoss, 41),
        (losses.NearestLabelCrossEntropy, 41),
        (losses.MeanVarianceLoss, 41),
        (losses.SoftLabelLoss, 41),
        (losses.UnimodalConcentratedLoss, 41),
        (partial(losses.RankingLoss, from_logits=True), 40),
        (losses.RegressionLoss, 1),
    ],
)
def test_half_precision_gives_what_float64_gives(make, width, half):
    random = np.random.default_rng(0)
    y, y_pred = RATINGS.labels64[random.integers(0, 41, 50)], random.normal(size=(50, width))
    y_pred = y_pred if width < 41 else softmax(y_pred)
    found = float(make(RATINGS, dtype=half)(y.astype(np.float32), y_pred))
    assert found == pytest.approx(float(make(RATINGS, dtype="float64")(y, y_pred)), rel=1e-5)


@pytest.mark.parametrize("half", HALVES)
def test_people_beyond_what_half_precision_counts(half):
    person, logits = np.array([2049]), np.zeros((1, 3000))
    logits[0, 2049] = 5.0
    expected = np.log(2999 + np.exp(5.0)) - 5.0
    assert float(losses.MarginSoftmax(dtype=half)(person, logits)) == pytest.approx(expected)


def test_floatx_of_half_precision_is_raised_too_and_the_config_keeps_what_was_given():
    keras.config.set_floatx("float16")
    try:
        loss = losses.LabelDistributionLoss(RATINGS)
        assert loss.dtype == "float32"
    finally:
        keras.config.set_floatx("float32")
    given = losses.RankingLoss(RATINGS, dtype="bfloat16")
    assert given.get_config()["dtype"] == "bfloat16" and given.dtype == "float32"
    assert losses.RankingLoss.from_config(given.get_config()).get_config() == given.get_config()
    assert losses.RankingLoss(RATINGS, dtype="float64").dtype == "float64"
