import numpy as np
import pytest

from keras_dldl.labels import LabelGrid
from keras_dldl.losses import RegressionLoss

RATING = LabelGrid.scut_fbp()


def test_by_hand():
    # 1 ... 5 points are -1 ... 1, so 4 points are 0.5.
    y, value = np.array([4.0]), np.array([[-0.25]])
    assert float(RegressionLoss(RATING)(y, value)) == pytest.approx(0.75, rel=1e-6)
    assert float(RegressionLoss(RATING, "l2")(y, value)) == pytest.approx(0.5625, rel=1e-6)


def test_zero_at_the_label():
    y = RATING.labels64
    scaled = (2 * (y - 1) / 4 - 1)[:, None]
    loss = RegressionLoss(RATING, reduction=None, dtype="float64")
    np.testing.assert_allclose(np.asarray(loss(y, scaled)), 0, atol=1e-15)
