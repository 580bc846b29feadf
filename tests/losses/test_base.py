"""What holds for every loss: forms, edges, configs, errors; half precision, with float32 sums."""

import keras
import numpy as np
import pytest
from scipy.special import expit

from keras_dldl import losses
from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from tests import reference
from tests.keras_case import check_config
from tests.losses.loss_case import check_edges, check_forms

# Each with options that are not its defaults.
LOSSES = {
    losses.LabelDistributionLoss: {
        "sigma": 0.25,
        "expectation_weight": 0.1,
        "kl_reduction": "mean",
    },
    losses.ExpectationLoss: {"norm": "l2"},
    losses.NearestLabelCrossEntropy: {},
    losses.MeanVarianceLoss: {"mean_weight": 1.0, "variance_weight": 2.0},
    losses.SoftLabelLoss: {"distance": "squared", "scale": 2.0},
    losses.UnimodalConcentratedLoss: {"unimodal_weight": 10.0},
    losses.RankingLoss: {"norm": "l2"},
    losses.RegressionLoss: {"norm": "l2"},
}
AGE, RATINGS = LabelGrid.age(), LabelGrid(1, 5, 0.1)
every_loss = pytest.mark.parametrize("make", LOSSES)


def width(make, grid):
    """Return how many numbers a row of predictions has."""
    return {losses.RegressionLoss: 1, losses.RankingLoss: grid.size - 1}.get(make, grid.size)


def raw(make, **options):
    """Return a loss of what a network gives without an activation."""
    return make(AGE, **options, **({} if make is losses.RegressionLoss else {"from_logits": True}))


@every_loss
def test_config(make):
    arguments = (
        LOSSES[make] if make is losses.RegressionLoss else {**LOSSES[make], "from_logits": True}
    )
    restored = check_config(
        make, grid=LabelGrid.cfd().get_config(), reduction="sum", name="mine", dtype="float64",
        **arguments,
    )  # fmt: skip
    assert restored.grid == LabelGrid.cfd()


@every_loss
def test_forms_of_the_labels_and_half_precision_predictions_agree(make):
    y_pred = np.random.default_rng(1).normal(size=(4, width(make, AGE)))
    y = np.float32([0, 17.4, 63, 100])
    check_forms(raw(make), y, y_pred)


@every_loss
@pytest.mark.parametrize("has_options", [False, True])
def test_edges(make, has_options):
    options = LOSSES[make] if has_options else {}
    check_edges(raw(make, **options), AGE, width(make, AGE), (0.0, 1e4, -1e4))
    check_edges(make(RATINGS, **options), RATINGS, width(make, RATINGS), (0.0, 1.0, 1e-40))


@pytest.mark.parametrize("make", [make for make in LOSSES if make is not losses.RegressionLoss])
@pytest.mark.parametrize("has_options", [False, True])
def test_logits_and_probabilities_agree(make, has_options):
    rng = np.random.default_rng(0)
    y, logits = rng.uniform(0, 100, 6), rng.normal(size=(6, width(make, AGE)))
    options = {**(LOSSES[make] if has_options else {}), "dtype": "float64"}
    q = expit(logits) if make is losses.RankingLoss else reference.softmax(logits)
    found = float(make(AGE, **options)(y, q))
    assert found == pytest.approx(float(raw(make, **options)(y, logits)), rel=1e-12)


@every_loss
@pytest.mark.parametrize("shape", [(4,), (4, 7), (4, 101, 1)])
def test_wrong_shapes_and_arguments(make, shape):
    match = rf"`y_pred` has the wrong shape.*\(B, {width(make, AGE)}\).*Received"
    with pytest.raises(ValueError, match=match):
        make(AGE)(np.zeros(4), np.zeros(shape))
    with pytest.raises(ConfigError, match="`grid` is not valid.*Received: grid=101"):
        make(101)
    if make is not losses.RegressionLoss:
        with pytest.raises(ConfigError, match="`from_logits` is not valid.*True or False.*=1"):
            make(AGE, from_logits=1)


@pytest.mark.parametrize(
    ("make", "arguments", "reason"),
    [
        (losses.MeanVarianceLoss, {"mean_weight": -1}, "`mean_weight` .*not below 0.*Received"),
        (losses.MeanVarianceLoss, {"variance_weight": -1}, "`variance_weight` .*not below 0"),
        (losses.ExpectationLoss, {"norm": "L3"}, "one of 'l1', 'l2'. Received: norm='L3'"),
        (losses.RankingLoss, {"norm": "l1"}, "one of 'bce', 'l2'. Received: norm='l1'"),
        (losses.RegressionLoss, {"norm": "bce"}, "one of 'l1', 'l2'. Received: norm='bce'"),
        (losses.SoftLabelLoss, {"distance": "log"}, "'absolute', 'squared'. Rec.*distance='log'"),
        (losses.SoftLabelLoss, {"scale": 0}, "`scale` is not valid.*above 0.*Received: scale=0"),
        (losses.UnimodalConcentratedLoss, {"unimodal_weight": -1}, "`unimodal_weight` is not val"),
    ],
)
def test_wrong_options(make, arguments, reason):
    with pytest.raises(ConfigError, match=reason):
        make(AGE, **arguments)


HALVES = ("float16", "bfloat16", "mixed_float16")


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
@every_loss
def test_half_precision_gives_what_float64_gives(make, half):
    random = np.random.default_rng(0)
    y = RATINGS.labels64[random.integers(0, 41, 50)]
    y_pred = random.normal(size=(50, width(make, RATINGS)))
    if make is losses.RankingLoss:
        y_pred = expit(y_pred)
    elif make is not losses.RegressionLoss:
        y_pred = reference.softmax(y_pred)
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
