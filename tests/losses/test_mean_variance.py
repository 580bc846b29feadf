import numpy as np
import pytest

from keras_dldl.labels import LabelGrid
from keras_dldl.losses import MeanVarianceLoss, NearestLabelCrossEntropy

AGE = LabelGrid.age()


def test_by_hand():
    # Mean 1.5, variance 0.25; the nearest label to 1.2 is 1.
    y, q = np.array([1.2]), np.array([[0.0, 0.5, 0.5]])
    loss = MeanVarianceLoss(LabelGrid(0, 2), mean_weight=2.0, variance_weight=4.0)
    assert float(loss(y, q)) == pytest.approx(np.log(2) + 2.0 * 0.5 * 0.09 + 4.0 * 0.25, rel=1e-6)


def test_without_weights_it_is_the_cross_entropy():
    rng = np.random.default_rng(0)
    y, logits = rng.uniform(0, 100, 6), rng.normal(size=(6, 101)).astype(np.float32)
    alone = NearestLabelCrossEntropy(AGE, True)(y, logits)
    assert float(MeanVarianceLoss(AGE, 0, 0, True)(y, logits)) == float(alone)
