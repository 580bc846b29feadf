"""Values, spreads and intervals of many faces at once, against those of single predictions."""

import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.evaluation.decoding import decode, interval_ends
from keras_dldl.labels import LabelGrid
from keras_dldl.predict import Prediction

AGE = LabelGrid.age()
LEVELS = (0.05, 0.5, 0.9, 0.95)


@pytest.mark.parametrize("grid", [AGE, LabelGrid.scut_fbp()])
@pytest.mark.parametrize("sharpness", [0.02, 1.0, 30.0])
def test_all_are_those_of_single_predictions(grid, sharpness):
    p = np.random.default_rng(0).dirichlet(np.full(grid.size, sharpness), 40)
    singly = [Prediction(row, grid) for row in p]
    exact = 1e-4 * grid.step / sharpness
    value, std = decode(p, grid)
    np.testing.assert_allclose(value, [one.value for one in singly], atol=max(exact, 1e-5))
    np.testing.assert_allclose(std, [one.std for one in singly], atol=max(exact, 1e-5))
    low, high = interval_ends(p, grid, LEVELS)
    ends = np.array([[one.interval(level) for level in LEVELS] for one in singly])
    np.testing.assert_allclose(np.stack([low, high], axis=2), ends, rtol=0, atol=exact)


def test_sure_and_torn_distributions():
    p = np.array([[1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0.5, 0, 0, 0, 0.5], [0, 0.5, 0, 0.5, 0]])
    low, high = interval_ends(p, LabelGrid(0, 4), [0.5, 0.9])
    assert low[:, 0].tolist() == [0.0, 3.75, 0.0, 1.0]
    assert high[:, 0].tolist() == [0.25, 4.0, 4.0, 3.0]
    assert (low[:, 1] <= low[:, 0]).all() and (high[:, 1] >= high[:, 0]).all()


def test_the_scale_of_a_distribution_does_not_matter():
    p = np.random.default_rng(1).dirichlet(np.ones(101), 5)
    for scaled in (interval_ends(p * 0.999, AGE, [0.9]), decode(p * 0.999, AGE)):
        whole = interval_ends(p, AGE, [0.9]) if scaled[0].ndim == 2 else decode(p, AGE)
        np.testing.assert_allclose(scaled, whole, atol=1e-9)


@pytest.mark.parametrize("level", [0, 1, -0.1, np.nan, "0.9"])
def test_levels_are_shares(level):
    with pytest.raises(ConfigError, match="level"):
        interval_ends(np.ones((1, 101)) / 101, AGE, [level])
