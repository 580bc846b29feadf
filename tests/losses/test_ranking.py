import numpy as np
import pytest
from scipy.special import expit

from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.losses import RankingLoss
from tests.keras_case import check_config
from tests.losses.loss_case import check_edges, check_forms, value_and_gradient

SMALL = LabelGrid(0, 3)


def test_by_hand():
    # y = 1.5: above labels 0 and 1, not above 2.
    q = np.array([[0.9, 0.6, 0.3]], np.float32)
    bce = float(RankingLoss(SMALL)(np.array([1.5]), q))
    assert bce == pytest.approx(-np.log(0.9 * 0.6 * 0.7), rel=1e-6)
    l2 = float(RankingLoss(SMALL, "l2")(np.array([1.5]), q))
    assert l2 == pytest.approx(0.1**2 + 0.4**2 + 0.3**2, rel=1e-6)


@pytest.mark.parametrize("norm", ["bce", "l2"])
def test_logits_and_probabilities_agree(norm):
    rng = np.random.default_rng(0)
    logits, y = rng.normal(scale=2, size=(5, 100)), rng.uniform(0, 100, 5)
    grid = LabelGrid.age()
    from_logits = RankingLoss(grid, norm, True, dtype="float64")(y, logits)
    from_probabilities = RankingLoss(grid, norm, dtype="float64")(y, expit(logits))
    np.testing.assert_allclose(np.asarray(from_logits), np.asarray(from_probabilities), rtol=1e-12)


def test_sure_answers_keep_their_digits():
    # -ln sigmoid(20) = 2.06e-9, which softplus(20) - 20 would round to 0.
    rows, gradient = value_and_gradient(
        RankingLoss(LabelGrid(0, 1), from_logits=True), np.array([1.0]), np.float32([[20.0]])
    )
    assert rows[0] == pytest.approx(np.log1p(np.exp(-20.0)), rel=1e-5)
    assert gradient[0, 0] == pytest.approx(-expit(-20.0), rel=1e-5)


@pytest.mark.parametrize("norm", ["bce", "l2"])
@pytest.mark.parametrize("from_logits", [True, False])
def test_edges(norm, from_logits):
    extremes = (0.0, 1e4, -1e4) if from_logits else (0.0, 1.0, 1e-40)
    check_edges(RankingLoss(LabelGrid.cfd(), norm, from_logits), LabelGrid.cfd(), 60, extremes)


def test_forms():
    rng = np.random.default_rng(1)
    y = np.float32([0, 17.5, 63, 100])
    check_forms(RankingLoss(LabelGrid.age(), from_logits=True), y, rng.normal(size=(4, 100)))


def test_config():
    check_config(
        RankingLoss, grid=LabelGrid.cfd().get_config(), norm="l2", from_logits=True,
        reduction="sum", name="ranks", dtype="float64",
    )  # fmt: skip


def test_wrong_arguments():
    with pytest.raises(ConfigError, match="one of 'bce', 'l2'. Received: norm='l1'"):
        RankingLoss(SMALL, "l1")
    with pytest.raises(ValueError, match=r"must be \(B, 3\).*\(2, 4\)"):
        RankingLoss(SMALL)(np.zeros(2), np.zeros((2, 4)))
