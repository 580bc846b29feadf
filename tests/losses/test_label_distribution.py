import keras
import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.losses import LabelDistributionLoss
from tests import reference
from tests.gradients import value_and_gradient
from tests.keras_case import check_training

AGE = LabelGrid.age()
GRIDS = [AGE, LabelGrid.scut_fbp(), LabelGrid.cfd()]
TOLERANCE = {"float32": 3e-6, "float64": 1e-12}


def batch(grid):
    """9 labels with sigma, among them both ends, beyond the ends, sigma 0 and not given."""
    rng = np.random.default_rng(0)
    y = rng.uniform(grid.start, grid.stop, 9)
    sigma = grid.step * rng.uniform(0.5, 5, 9)
    y[:4] = grid.start, grid.stop, grid.start - 2 * grid.step, grid.stop + 3 * grid.step
    sigma[4:7] = 0.0, -1.0, np.nan
    return np.stack([y, sigma], axis=1), rng.normal(scale=3, size=(9, grid.size))


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("kl_reduction", ["sum", "mean"])
@pytest.mark.parametrize("weight", [0.0, 1.0, 2.5])
def test_against_the_reference(grid, dtype, from_logits, kl_reduction, weight):
    y_true, logits = batch(grid)
    y_true, logits = y_true.astype(dtype), logits.astype(dtype)
    q = reference.softmax(logits)
    sigma = 2 * grid.step
    expected = reference.label_distribution_loss(
        y_true, q, grid.labels64, sigma, weight, kl_reduction
    )
    loss = LabelDistributionLoss(
        grid, sigma, weight, from_logits, kl_reduction, reduction=None, dtype=dtype
    )
    found = np.asarray(loss(y_true, logits if from_logits else q.astype(dtype)))
    assert found.shape == (9,)
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_by_hand():
    # Grid 0, 1, 2 and sigma 0: p = (0, 1, 0). KL = ln(1 / 0.5), and E(q) = 0.5 + 2 * 0.3 = 1.1.
    y_true, q = np.array([[1.0, 0.0]]), np.array([[0.2, 0.5, 0.3]])
    loss = LabelDistributionLoss(LabelGrid(0, 2), expectation_weight=10)
    assert float(loss(y_true, q)) == pytest.approx(np.log(2) + 10 * 0.1, rel=1e-6)
    mean = LabelDistributionLoss(LabelGrid(0, 2), expectation_weight=10, kl_reduction="mean")
    assert float(mean(y_true, q)) == pytest.approx(np.log(2) / 3 + 10 * 0.1, rel=1e-6)


@pytest.mark.parametrize("sigma", [0.0, 1e-38, 1e-10, 1e-4, 1e6, np.inf])
@pytest.mark.parametrize("from_logits", [True, False])
def test_loss_and_gradient_are_finite_at_any_sigma(sigma, from_logits):
    y = np.float32([-30, 0, 0.5, 36.5, 36.500001, 99.9, 100, 140])
    y_true = np.stack([y, np.full(8, sigma, np.float32)], axis=1)
    y_pred = np.zeros((8, 101), np.float32)
    y_pred[:, 50] = 200.0 if from_logits else 1.0  # every other probability is exactly 0
    loss = LabelDistributionLoss(AGE, from_logits=from_logits)
    value, gradient = value_and_gradient(lambda y_pred: loss(y_true, y_pred), y_pred)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_gradient_through_a_saturated_softmax_is_finite_and_points_the_right_way():
    logits = np.zeros((1, 101), np.float32)
    logits[0, 50] = 200.0
    loss = LabelDistributionLoss(AGE, expectation_weight=1.0)
    _, gradient = value_and_gradient(
        lambda logits: loss(np.float32([30]), keras.ops.softmax(logits)), logits
    )
    assert np.isfinite(gradient).all()


def test_training_and_saving(tmp_path):
    check_training(AGE, tmp_path, LabelDistributionLoss(AGE, from_logits=True), from_logits=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": -1}, r"`sigma` is not valid.*not below 0.*Received: sigma=-1"),
        ({"sigma": float("nan")}, r"`sigma` is not valid.*Received: sigma=nan"),
        ({"sigma": None}, r"`sigma` is not valid.*Received: sigma=None"),
        ({"expectation_weight": -0.1}, r"`expectation_weight` is not valid.*=-0.1"),
        ({"kl_reduction": "none"}, r"`kl_reduction`.*'sum', 'mean'.*Received: .*='none'"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError, match=message):
        LabelDistributionLoss(**{"grid": AGE, **arguments})


@pytest.mark.parametrize("from_logits", [True, False])
def test_a_mixture_of_two_labels(from_logits):
    y_true = np.array([[20.0, 3.0, 60.0, -1.0, 0.3], [33.0, -1.0, 35.0, 1.0, 0.8]])
    logits = np.random.default_rng(0).normal(scale=3, size=(2, 101))
    q, weight = reference.softmax(logits), y_true[:, 4:]
    first, second = (
        reference.label_distribution(y_true[:, k], sigma, AGE.labels64)
        for k, sigma in ((0, [3.0, 2.0]), (2, [2.0, 1.0]))
    )
    divergence = reference.kl(weight * first + (1 - weight) * second, q)
    mixed = weight[:, 0] * y_true[:, 0] + (1 - weight[:, 0]) * y_true[:, 2]
    expected = divergence + 2.5 * np.abs(q @ AGE.labels64 - mixed)
    loss = LabelDistributionLoss(
        AGE, 2.0, 2.5, from_logits=from_logits, reduction=None, dtype="float64"
    )
    np.testing.assert_allclose(loss(y_true, logits if from_logits else q), expected, rtol=1e-12)
    # With all weight on one label it is that label's loss.
    for weight, columns in ((1.0, [0, 1]), (0.0, [2, 3])):
        y_true[:, 4] = weight
        np.testing.assert_allclose(
            loss(y_true, logits if from_logits else q),
            loss(y_true[:, columns], logits if from_logits else q),
            rtol=1e-12,
        )
