import numpy as np
import pytest

from keras_dldl.labels import LabelGrid
from keras_dldl.losses import LabelDistributionLoss, SoftLabelLoss
from keras_dldl.losses.soft_labels import soft_labels

AGE, RATING = LabelGrid.age(), LabelGrid.scut_fbp()


def test_soft_labels_by_hand():
    e = np.exp(1.0)
    expected = np.array([1, e, e**2, e]) / (1 + 2 * e + e**2)
    found = soft_labels(np.array([2.0]), np.arange(4.0))
    np.testing.assert_allclose(np.asarray(found)[0], expected, rtol=1e-12)


def test_distances_are_counted_in_steps():
    one = np.asarray(soft_labels(np.array([1.7]), RATING.labels64))
    other = np.asarray(soft_labels(np.array([7.0]), np.arange(41.0)))
    np.testing.assert_allclose(one, other, rtol=1e-9)


@pytest.mark.parametrize("distance", ["absolute", "squared"])
@pytest.mark.parametrize("y", [-1e6, -0.25, 30.4, 30.5, 100, 1e6])
def test_soft_labels_are_distributions_with_the_mode_at_the_label(distance, y):
    p = np.asarray(soft_labels(np.float32([y]), AGE.labels, distance))
    assert p.sum() == pytest.approx(1, abs=1e-6)
    # float32 holds the tie of 30.5 exactly.
    tops = np.flatnonzero(np.isclose(p[0], p.max(), rtol=1e-5))
    assert set(tops) == ({30, 31} if y == 30.5 else {int(round(np.clip(y, 0, 100)))})


def test_squared_distance_is_dldl_with_a_narrow_gaussian():
    rng = np.random.default_rng(0)
    y, logits = rng.uniform(0, 100, 6), rng.normal(size=(6, 101))
    sord = SoftLabelLoss(AGE, "squared", 0.125, True, dtype="float64")(y, logits)
    dldl = LabelDistributionLoss(AGE, 2.0, 0.0, True, dtype="float64")(y, logits)
    assert float(sord) == pytest.approx(float(dldl), rel=1e-9)
