import numpy as np
import pytest

from keras_dldl.labels import LabelGrid
from keras_dldl.metrics import ExpectationRMSE


def test_by_hand():
    metric = ExpectationRMSE(LabelGrid.scut_fbp())
    metric.update_state(np.array([2.0, 4.0]), np.array([2.6, 3.2]))
    assert float(metric.result()) == pytest.approx(((0.36 + 0.64) / 2) ** 0.5)
    # Not the mean of the batches' roots, which would be smaller: (0.7071 + 0) / 2.
    metric.update_state(np.array([3.0]), np.array([3.0]))
    assert float(metric.result()) == pytest.approx((1 / 3) ** 0.5)
