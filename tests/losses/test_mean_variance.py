import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.losses import MeanVarianceLoss, NearestLabelCrossEntropy
from tests import reference
from tests.keras_case import check_config
from tests.losses.loss_case import check_edges, check_forms

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


def test_logits_and_probabilities_agree():
    rng = np.random.default_rng(0)
    y, logits = rng.uniform(0, 100, 6), rng.normal(size=(6, 101))
    from_logits = MeanVarianceLoss(AGE, from_logits=True, dtype="float64")(y, logits)
    from_probabilities = MeanVarianceLoss(AGE, dtype="float64")(y, reference.softmax(logits))
    assert float(from_logits) == pytest.approx(float(from_probabilities), rel=1e-12)


@pytest.mark.parametrize("from_logits", [True, False])
def test_edges(from_logits):
    extremes = (0.0, 1e4, -1e4) if from_logits else (0.0, 1.0, 1e-40)
    check_edges(MeanVarianceLoss(AGE, from_logits=from_logits), AGE, 101, extremes)


def test_forms():
    y = np.float32([0, 17.4, 63, 100])
    logits = np.random.default_rng(1).normal(size=(4, 101))
    check_forms(MeanVarianceLoss(AGE, from_logits=True), y, logits)


def test_config():
    check_config(
        MeanVarianceLoss, grid=LabelGrid.cfd().get_config(), mean_weight=1.0, variance_weight=2.0,
        from_logits=True, reduction="sum", name="mv", dtype="float64",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["mean_weight", "variance_weight"])
def test_wrong_arguments(name):
    with pytest.raises(ConfigError, match=f"`{name}` is not valid.*not below 0.*Received"):
        MeanVarianceLoss(AGE, **{name: -1})
