import numpy as np
import pytest

from keras_dldl.labels import LabelGrid
from keras_dldl.losses import ExpectationLoss
from tests import reference
from tests.gradients import value_and_gradient

AGE = LabelGrid.age()
GRIDS = [AGE, LabelGrid.scut_fbp()]
TOLERANCE = {"float32": 3e-6, "float64": 1e-13}
POWER = {"l1": 1, "l2": 2}


def batch(grid):
    rng = np.random.default_rng(0)
    y = np.append(rng.uniform(grid.start, grid.stop, 6), [grid.start - 1, grid.stop + 1])
    return y, rng.normal(scale=3, size=(8, grid.size))


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("norm", POWER)
@pytest.mark.parametrize("from_logits", [True, False])
def test_against_the_reference(grid, dtype, norm, from_logits):
    y, logits = batch(grid)
    y, logits = y.astype(dtype), logits.astype(dtype)
    q = reference.softmax(logits)
    expected = np.abs(q @ grid.labels64 - y.astype(float)) ** POWER[norm]
    loss = ExpectationLoss(grid, norm, from_logits, reduction=None, dtype=dtype)
    found = np.asarray(loss(y, logits if from_logits else q.astype(dtype)))
    # The float32 rounding of the expectation, up to 100 years, not of the error.
    absolute = TOLERANCE[dtype] * grid.stop * (2 * np.sqrt(expected) if norm == "l2" else 1)
    assert (np.abs(found - expected) <= absolute + TOLERANCE[dtype]).all()


def test_by_hand():
    q = np.array([[0.5, 0.5, 0.0]])  # expectation 0.5
    assert float(ExpectationLoss(LabelGrid(0, 2))(np.array([2.0]), q)) == 1.5
    assert float(ExpectationLoss(LabelGrid(0, 2), "l2")(np.array([2.0]), q)) == 2.25


@pytest.mark.parametrize("norm", POWER)
def test_gradient_is_finite_where_the_error_is_zero(norm):
    q, loss = np.eye(101, dtype=np.float32)[[30]], ExpectationLoss(AGE, norm)
    value, gradient = value_and_gradient(lambda q: loss(np.float32([30]), q), q)
    assert float(value) == 0
    assert np.isfinite(gradient).all()


def test_a_mixture_is_its_expectation():
    q = np.array([[0.5, 0.5, 0.0]])
    loss = ExpectationLoss(LabelGrid(0, 2))
    assert float(loss(np.array([[2.0, -1.0, 1.0, -1.0, 0.25]]), q)) == pytest.approx(0.75)
