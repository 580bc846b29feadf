"""What a mixture of two labels (mixup) is to the losses without a label distribution."""

import numpy as np
import pytest

from keras_dldl.labels import LabelGrid
from keras_dldl.losses import RankingLoss, SoftLabelLoss, UnimodalConcentratedLoss
from tests import reference

AGE = LabelGrid.age()
MIXED = np.array([[20.0, 3.0, 60.0, -1.0, 0.3], [33.0, -1.0, 35.0, 1.0, 0.8]])
WEIGHT, FIRST, SECOND = MIXED[:, 4], MIXED[:, 0], MIXED[:, 2]
Q = reference.softmax(np.random.default_rng(0).normal(size=(2, 101)))


@pytest.mark.parametrize(
    "loss",
    [
        RankingLoss(AGE, reduction=None, dtype="float64"),
        UnimodalConcentratedLoss(AGE, reduction=None, dtype="float64"),
    ],
    ids=["ranking", "unimodal"],
)
def test_the_weighted_sum_of_both_losses(loss):
    q = Q[:, :100] if isinstance(loss, RankingLoss) else Q
    expected = WEIGHT * loss(FIRST, q) + (1 - WEIGHT) * loss(SECOND, q)
    np.testing.assert_allclose(loss(MIXED, q), expected, rtol=1e-12)


def test_the_squared_ranking_loss_is_to_the_mixed_code():
    loss = RankingLoss(AGE, norm="l2", reduction=None, dtype="float64")
    first, second = (y[:, None] > AGE.labels64[:-1] for y in (FIRST, SECOND))
    code = WEIGHT[:, None] * first + (1 - WEIGHT[:, None]) * second
    answers = Q[:, :100]
    np.testing.assert_allclose(loss(MIXED, answers), ((answers - code) ** 2).sum(1), rtol=1e-12)


def test_the_divergence_from_both_soft_labels():
    loss = SoftLabelLoss(AGE, reduction=None, dtype="float64")
    first, second = (reference.softmax(-np.abs(AGE.labels64 - y[:, None])) for y in (FIRST, SECOND))
    target = WEIGHT[:, None] * first + (1 - WEIGHT[:, None]) * second
    np.testing.assert_allclose(loss(MIXED, Q), reference.kl(target, Q), rtol=1e-10)
