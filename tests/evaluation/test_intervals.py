"""Ends of many intervals at once, against those of single predictions and a slow loop."""

import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.evaluation.intervals import interval_ends
from keras_dldl.labels import LabelGrid
from keras_dldl.predict import Prediction

LEVELS = (0.05, 0.5, 0.9, 0.95)


@pytest.mark.parametrize("grid", [LabelGrid.age(), LabelGrid.scut_fbp()])
@pytest.mark.parametrize("sharpness", [0.02, 1.0, 30.0])
def test_ends_are_those_of_single_predictions(grid, sharpness):
    p = np.random.default_rng(0).dirichlet(np.full(grid.size, sharpness), 40)
    low, high = interval_ends(p, grid, LEVELS)
    assert low.shape == high.shape == (40, 4)
    one = np.array([[Prediction(row, grid).interval(level) for level in LEVELS] for row in p])
    assert np.abs(np.stack([low, high], axis=2) - one).max() < 1e-4 * grid.step / sharpness


def test_sure_and_torn_distributions():
    grid = LabelGrid(0, 4)
    p = np.array([[1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0.5, 0, 0, 0, 0.5], [0, 0.5, 0, 0.5, 0]])
    low, high = interval_ends(p, grid, [0.5, 0.9])
    assert low[:, 0].tolist() == [0.0, 3.75, 0.0, 1.0]
    assert high[:, 0].tolist() == [0.25, 4.0, 4.0, 3.0]
    assert (low[:, 1] <= low[:, 0]).all() and (high[:, 1] >= high[:, 0]).all()


def test_the_scale_of_a_distribution_does_not_matter():
    p = np.random.default_rng(1).dirichlet(np.ones(101), 5)
    for a, b in zip(
        interval_ends(p, LabelGrid.age(), [0.9]),
        interval_ends(p * 0.999, LabelGrid.age(), [0.9]),
        strict=True,
    ):
        assert a == pytest.approx(b, abs=1e-9)


@pytest.mark.parametrize("level", [0, 1, -0.1, np.nan, "0.9"])
def test_levels_are_shares(level):
    with pytest.raises(ConfigError, match="level"):
        interval_ends(np.ones((1, 101)) / 101, LabelGrid.age(), [level])
