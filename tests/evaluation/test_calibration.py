"""Levels claimed against shares covered."""

import numpy as np
import pytest

from keras_dldl.evaluation.confidence import draw
from keras_dldl.evaluation.intervals import (
    CALIBRATION,
    LEVELS,
    calibration,
    covered_part,
    interval_ends,
)
from keras_dldl.labels import LabelGrid


def of(label, low, high):
    drawn = draw({CALIBRATION: covered_part(label, low, high)}, np.arange(len(label)))
    return calibration(label, low, high, drawn)


def test_labels_drawn_from_the_distributions_are_covered_as_claimed():
    grid, random = LabelGrid.age(), np.random.default_rng(0)
    centre = random.uniform(25, 75, 4000)
    p = np.exp(-0.5 * ((grid.labels64 - centre[:, None]) / 6) ** 2)
    p /= p.sum(axis=1, keepdims=True)
    found = of(centre + random.normal(0, 6, 4000), *interval_ends(p, grid, LEVELS))
    assert found["levels"] == [float(k) for k in range(5, 100, 5)]
    # Four standard errors of a share of 4000.
    assert found["covered"] == pytest.approx(found["levels"], abs=4 * 100 * 0.5 / 4000**0.5)
    inside = [
        low <= claimed <= high
        for claimed, (low, high) in zip(found["levels"], found["confidence"], strict=True)
    ]
    assert sum(inside) >= 15
    # The central 90 % of a normal distribution: 2 x 1.645 sigma; the cells add a little.
    assert found["mean_width"][LEVELS.index(0.9)] == pytest.approx(2 * 1.645 * 6, rel=0.02)


def test_by_hand_ends_included():
    label = np.array([10.0, 20.0, 30.0, 40.0])
    low = np.tile(np.array([[10.0], [21.0], [29.0], [35.0]]), len(LEVELS))
    found = of(label, low, low + 5)
    assert set(found["covered"]) == {75.0}
    assert found["largest_gap"] == {"level": 5.0, "difference": 70.0}
    assert found["confidence"] == [None] * len(LEVELS)
    assert set(found["mean_width"]) == {5.0}
