import numpy as np

from keras_dldl.labels import LabelGrid
from keras_dldl.metrics import ExpectationMAE


def test_by_hand():
    metric = ExpectationMAE(LabelGrid(0, 2))
    q = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.25, 0.5, 0.25]])  # 0.5, 2 and 1
    metric.update_state(np.array([1.5, 2.0, 0.0]), q)  # errors 1, 0 and 1
    assert float(metric.result()) == np.float32(2 / 3)
    metric.update_state(np.array([5.0]), q[1:2], sample_weight=np.array([3.0]))  # error 3, thrice
    assert float(metric.result()) == np.float32((2 + 3 * 3) / (3 + 3))
