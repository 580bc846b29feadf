"""The tables of quantiles, against slow loops and SciPy."""

import numpy as np
import pytest
from scipy import stats

from keras_dldl.calibration.quantiles import (
    LEVELS,
    WINDOW_FACES,
    at_level,
    conformal_quantiles,
    knots_of,
    moved,
    quantile_tables,
    window,
)
from keras_dldl.labels import LabelGrid
from tests.calibration.given import AGE, faces


def test_knots():
    assert knots_of(AGE).tolist() == list(range(0, 101, 2))
    np.testing.assert_allclose(knots_of(LabelGrid.scut_fbp()), LabelGrid.scut_fbp().labels64)
    assert len(knots_of(LabelGrid(0, 1))) == 2


def test_quantiles_are_those_of_one_face_more():
    # 99 faces, and the new one makes 100: each of the 100 ranks is as likely. A tail of 5 % is 5 of
    # them, so the 5th least and the 5th greatest are the ends.
    low, high = conformal_quantiles(np.random.default_rng(0).permutation(99.0 + np.arange(99)) - 98)
    at = LEVELS.index(0.9)
    assert (low[at], high[at]) == (5, 95)
    assert (low[0], high[0]) == (50, 50)


def test_a_window_widens_until_it_holds_enough_and_keeps_ties():
    label = np.repeat(np.arange(101.0), 10)
    near = window(label, 50.0, 3.0)
    assert sorted(set(label[near])) == list(range(45, 56))  # 10 at 50, 20 a step: 110
    assert near.sum() == 110 >= WINDOW_FACES
    dense = np.repeat(np.arange(101.0), 100)
    assert sorted(set(dense[window(dense, 50.0, 3.0)])) == [47, 48, 49, 50, 51, 52, 53]
    assert window(label[:30], 50.0, 3.0).all()


def test_moved_along_the_line_of_least_squares():
    random = np.random.default_rng(1)
    offset = random.uniform(-5, 20, 150)
    z = 1.0 + 0.2 * offset + random.normal(size=150)
    line = stats.linregress(offset, z)
    design = np.c_[np.ones(150), offset]
    hat = design @ np.linalg.inv(design.T @ design) @ design.T
    new = np.array([1.0, 0.0]) @ np.linalg.inv(design.T @ design) @ [1.0, 0.0]
    expected = [
        line.intercept
        + (z[i] - line.intercept - line.slope * offset[i]) * np.sqrt((1 + new) / (1 - hat[i, i]))
        for i in range(150)
    ]
    np.testing.assert_allclose(moved(z, offset), expected)
    z = np.array([1.0, 2.0, 6.0])  # of one label, without a line
    factor = np.sqrt((4 / 3) / (2 / 3))
    np.testing.assert_allclose(moved(z, np.zeros(3)), 3 + factor * (z - 3))


@pytest.mark.parametrize("level", [0.001, 0.2, 0.33, 0.9, 0.93, 0.97, 0.999])
def test_between_and_beyond_the_levels_quantiles_are_a_normals(level):
    normal = stats.norm.ppf((1 + np.array(LEVELS)) / 2)
    table = 0.5 + np.array([[1.0], [2.0]]) * normal
    expected = 0.5 + np.array([1.0, 2.0]) * stats.norm.ppf((1 + level) / 2)
    np.testing.assert_allclose(at_level(table, level), expected)


def test_tables_are_ordered_and_rounded_outwards():
    value, std, label = faces(700)
    z = (label - value) / std
    lower, upper = quantile_tables(z, label, AGE)
    assert lower.shape == upper.shape == (51, len(LEVELS))
    assert (np.diff(lower, axis=1) <= 0).all() and (np.diff(upper, axis=1) >= 0).all()
    assert (lower <= upper).all()
    label[:] = np.arange(700) % 101
    exact = conformal_quantiles(moved(z[window(label, 50, 3)], label[window(label, 50, 3)] - 50))
    lower, upper = quantile_tables(z, label, AGE)
    assert (lower[25] <= exact[0]).all() and (lower[25] > exact[0] - 2e-4).all()
    assert (upper[25] >= exact[1]).all() and (upper[25] < exact[1] + 2e-4).all()


def own_quantiles(z):
    """Of one label alone, by hand: further apart by the spread of a new face about the mean."""
    spread = z.mean() + np.sqrt((1 + 1 / len(z)) / (1 - 1 / len(z))) * (z - z.mean())
    return np.array(conformal_quantiles(spread))


def test_between_coarse_labels_quantiles_are_on_the_line_between_theirs():
    label = np.repeat(np.arange(0.0, 101, 10), 150)
    z = np.random.default_rng(0).normal(label / 20, 1 + label / 50)
    tables = np.array(quantile_tables(z, label, AGE))
    at_40, at_50 = (own_quantiles(z[label == one]) for one in (40, 50))
    np.testing.assert_allclose(tables[:, 20], at_40, atol=1e-4)
    np.testing.assert_allclose(tables[:, 25], at_50, atol=1e-4)
    for knot, share in ((21, 0.2), (22, 0.4), (24, 0.8)):
        np.testing.assert_allclose(tables[:, knot], at_40 + share * (at_50 - at_40), atol=1e-4)


def test_rounding_between_a_knot_and_its_label_moves_nothing():
    grid = LabelGrid.scut_fbp()  # knots 1.2000000000000002 and so on
    label = np.repeat(np.arange(1, 5.1, 0.25), 150)
    z = np.random.default_rng(0).normal(size=len(label))
    exact = np.array(quantile_tables(z, label, grid))
    for shift in (1e-15, -1e-15, 3e-14):
        np.testing.assert_allclose(quantile_tables(z, label + shift, grid), exact, atol=2e-4)


@pytest.mark.parametrize("count", [200, 1000])
@pytest.mark.parametrize("grid", [AGE, LabelGrid.scut_fbp()], ids=str)
def test_fine_labels_have_each_the_quantiles_of_their_window(grid, count):
    value, std, label = faces(count, grid=grid)
    z = (label - value) / std
    width = 0.03 * (grid.stop - grid.start)
    lower, upper = quantile_tables(z, label, grid)
    for i, knot in enumerate(knots_of(grid)):
        at = np.clip(knot, label.min(), label.max())
        near = window(label, at, width)
        expected = conformal_quantiles(moved(z[near], label[near] - at))
        np.testing.assert_allclose([lower[i], upper[i]], expected, atol=1.01e-4)
