"""Ends of many intervals at once, against those of single predictions; what they cover."""

import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.evaluation.confidence import draw
from keras_dldl.evaluation.intervals import CALIBRATION, calibration, covered_part, interval_ends
from keras_dldl.evaluation.intervals import LEVELS as ALL_LEVELS
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


def calibration_of(label, low, high):
    drawn = draw({CALIBRATION: covered_part(label, low, high)}, np.arange(len(label)))
    return calibration(label, low, high, drawn)


def test_labels_drawn_from_the_distributions_are_covered_as_claimed():
    grid, random = LabelGrid.age(), np.random.default_rng(0)
    centre = random.uniform(25, 75, 4000)
    p = np.exp(-0.5 * ((grid.labels64 - centre[:, None]) / 6) ** 2)
    p /= p.sum(axis=1, keepdims=True)
    found = calibration_of(centre + random.normal(0, 6, 4000), *interval_ends(p, grid, ALL_LEVELS))
    assert found["levels"] == [float(k) for k in range(5, 100, 5)]
    # Four standard errors of a share of 4000.
    assert found["covered"] == pytest.approx(found["levels"], abs=4 * 100 * 0.5 / 4000**0.5)
    inside = [
        low <= claimed <= high
        for claimed, (low, high) in zip(found["levels"], found["confidence"], strict=True)
    ]
    assert sum(inside) >= 15
    # The central 90 % of a normal distribution: 2 x 1.645 sigma; the cells add a little.
    assert found["mean_width"][ALL_LEVELS.index(0.9)] == pytest.approx(2 * 1.645 * 6, rel=0.02)


def test_by_hand_ends_included():
    label = np.array([10.0, 20.0, 30.0, 40.0])
    low = np.tile(np.array([[10.0], [21.0], [29.0], [35.0]]), len(ALL_LEVELS))
    found = calibration_of(label, low, low + 5)
    assert set(found["covered"]) == {75.0}
    assert found["largest_gap"] == {"level": 5.0, "difference": 70.0}
    assert found["confidence"] == [None] * len(ALL_LEVELS)
    assert set(found["mean_width"]) == {5.0}
