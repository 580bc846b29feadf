import numpy as np
import pytest

from keras_dldl.labels import LabelGrid
from keras_dldl.losses import UnimodalConcentratedLoss
from tests import reference

AGE = LabelGrid.age()


def test_by_hand():
    # Before label 2 it falls by 0.1, after it it rises by 0.2.
    q = np.array([[0.2, 0.1, 0.2, 0.4, 0.1]])
    mean, variance = 2.1, 0.2 * 2.1**2 + 0.1 * 1.1**2 + 0.2 * 0.1**2 + 0.4 * 0.9**2 + 0.1 * 1.9**2
    expected = 0.5 * np.log(variance) + (mean - 2.2) ** 2 / (2 * variance) + 10 * (0.1 + 0.2)
    loss = UnimodalConcentratedLoss(LabelGrid(0, 4), unimodal_weight=10)
    assert float(loss(np.array([2.2]), q)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("y", [0.0, 41.0, 41.4, 100.0])
def test_a_gaussian_at_the_label_pays_nothing_for_its_shape(y):
    p = reference.label_distribution([round(y)], 4.0, AGE.labels64)
    weights = (0.0, 1000.0)
    values = [float(UnimodalConcentratedLoss(AGE, w, dtype="float64")([y], p)) for w in weights]
    assert values[0] == pytest.approx(values[1], abs=1e-12)


def test_least_where_the_variance_is_the_squared_error():
    # Of ln(v)/2 + e^2/(2 v) over v, the minimum is at v = e^2.
    error = 3.0
    sigmas = np.arange(1.0, 8.0, 0.5)
    p = reference.label_distribution(np.full(len(sigmas), 50.0), sigmas, AGE.labels64)
    loss = UnimodalConcentratedLoss(AGE, 0, reduction=None, dtype="float64")
    values = np.asarray(loss(np.full(len(sigmas), 50.0 + error), p))
    assert sigmas[values.argmin()] == error
