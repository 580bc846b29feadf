import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.metrics import EpsilonError

AGE = LabelGrid.age()


def test_by_hand():
    y_true = np.array([[30.0, 2.0], [30.0, 4.0], [30.0, -1.0], [30.0, np.nan]])
    y_hat = np.array([32.0, 32.0, 33.0, 30.0])  # 1, 1/2, 3/3 (sigma 3 by default) and 0 sigma off
    expected = (2 * (1 - np.exp(-1 / 2)) + (1 - np.exp(-1 / 8)) + 0) / 4
    assert float(EpsilonError(AGE, sigma=3.0)(y_true, y_hat)) == pytest.approx(expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sigma", [0.0, 1e-320, 1e-38, 1e-10])
def test_a_vanishing_sigma_asks_for_the_exact_label(dtype, sigma):
    y_true = np.array([[30.0, sigma]] * 3)
    for y_hat, error in ((30.0, 0.0), (30.001, 1.0), (1e9, 1.0)):
        assert float(EpsilonError(AGE, dtype=dtype)(y_true, np.full(3, y_hat))) == error
    assert float(EpsilonError(AGE, sigma=0)(np.array([30.0]), np.array([30.0]))) == 0


def test_small_errors_keep_their_digits():
    # 1 - exp(-x) is x for small x; taken literally, float32 would make it 0.
    found = float(EpsilonError(AGE, sigma=10.0)(np.array([0.0]), np.array([1e-3])))
    assert found == pytest.approx(0.5e-8, rel=1e-5)


@pytest.mark.parametrize("sigma", [-1, float("inf"), None])
def test_wrong_sigma(sigma):
    with pytest.raises(ConfigError, match="`sigma` is not valid.*not below 0.*Received: sigma="):
        EpsilonError(AGE, sigma)
