import numpy as np
import pytest
from scipy.special import expit

from keras_dldl.labels import LabelGrid
from keras_dldl.losses import RankingLoss
from tests.losses.loss_case import value_and_gradient

SMALL = LabelGrid(0, 3)


def test_by_hand():
    # y = 1.5: above labels 0 and 1, not above 2.
    q = np.array([[0.9, 0.6, 0.3]], np.float32)
    bce = float(RankingLoss(SMALL)(np.array([1.5]), q))
    assert bce == pytest.approx(-np.log(0.9 * 0.6 * 0.7), rel=1e-6)
    l2 = float(RankingLoss(SMALL, "l2")(np.array([1.5]), q))
    assert l2 == pytest.approx(0.1**2 + 0.4**2 + 0.3**2, rel=1e-6)


def test_sure_answers_keep_their_digits():
    # -ln sigmoid(20) = 2.06e-9, which softplus(20) - 20 would round to 0.
    rows, gradient = value_and_gradient(
        RankingLoss(LabelGrid(0, 1), from_logits=True), np.array([1.0]), np.float32([[20.0]])
    )
    assert rows[0] == pytest.approx(np.log1p(np.exp(-20.0)), rel=1e-5)
    assert gradient[0, 0] == pytest.approx(-expit(-20.0), rel=1e-5)
