import keras
import numpy as np
import pytest
from scipy.special import logsumexp

from keras_dldl.labels import LabelGrid
from keras_dldl.losses import NearestLabelCrossEntropy, nearest_label_cross_entropy
from tests import reference
from tests.gradients import value_and_gradient

AGE = LabelGrid.age()
GRIDS = [AGE, LabelGrid.cfd()]
TOLERANCE = {"float32": 2e-6, "float64": 1e-13}


def batch(grid):
    rng = np.random.default_rng(0)
    y = np.append(rng.uniform(grid.start, grid.stop, 6), [grid.start - 1, grid.stop + 1])
    return y, rng.normal(scale=3, size=(8, grid.size))


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("from_logits", [True, False])
def test_against_a_slow_loop_and_keras(grid, dtype, from_logits):
    y, logits = batch(grid)
    nearest = [reference.nearest(value, grid.labels64) for value in y]
    logits = logits.astype(dtype)
    rows = zip(logits.astype(float), nearest, strict=True)
    expected = [logsumexp(row) - row[index] for row, index in rows]
    loss = NearestLabelCrossEntropy(grid, from_logits, reduction=None, dtype=dtype)
    y_pred = logits if from_logits else reference.softmax(logits).astype(dtype)
    found = np.asarray(loss(y, y_pred))
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype])
    by_keras = keras.losses.sparse_categorical_crossentropy(
        np.array(nearest), logits, from_logits=True
    )
    np.testing.assert_allclose(found, np.asarray(by_keras), rtol=2e-6)


def test_a_tie_goes_down_and_the_ends_hold():
    q = np.array([[0.5, 0.3, 0.2]])
    loss = NearestLabelCrossEntropy(LabelGrid(0, 2), dtype="float64")
    for y, probability in ((-9.0, 0.5), (0.5, 0.5), (0.6, 0.3), (1.5, 0.3), (1.6, 0.2), (9, 0.2)):
        assert float(loss(np.array([y]), q)) == pytest.approx(-np.log(probability))


def test_a_probability_of_zero_is_finite():
    q, loss = np.eye(101, dtype=np.float32)[[50]], NearestLabelCrossEntropy(AGE)
    value, gradient = value_and_gradient(lambda q: loss(np.float32([30]), q), q)
    assert float(value) == pytest.approx(-np.log(np.finfo(np.float32).tiny))  # 87.3
    assert np.isfinite(gradient).all()


def test_a_mixture_of_two_labels():
    q = reference.softmax(np.random.default_rng(0).normal(size=(2, 101)))
    y_true = np.array([[20.0, 3.0, 60.0, -1.0, 0.3], [33.4, -1.0, 35.0, 1.0, 0.75]])
    found = nearest_label_cross_entropy(y_true, q, AGE.labels64)
    expected = [
        -0.3 * np.log(q[0, 20]) - 0.7 * np.log(q[0, 60]),
        -0.75 * np.log(q[1, 33]) - 0.25 * np.log(q[1, 35]),
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
