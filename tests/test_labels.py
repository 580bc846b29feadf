import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid, as_grid

GRIDS = [LabelGrid.age(), LabelGrid.scut_fbp(), LabelGrid.cfd(), LabelGrid(0, 1, 1 / 3)]


@pytest.mark.parametrize(
    ("grid", "size", "first", "last", "task", "unit"),
    [
        (LabelGrid.age(), 101, 0, 100, "age", "years"),
        (LabelGrid.scut_fbp(), 41, 1, 5, "attractiveness", "points"),
        (LabelGrid.cfd(), 61, 1, 7, "attractiveness", "points"),
    ],
)
def test_grids_of_the_paper(grid, size, first, last, task, unit):
    assert (grid.size, grid.task, grid.unit) == (size, task, unit)
    assert grid.labels.shape == grid.labels64.shape == (size,)
    assert (grid.labels.dtype, grid.labels64.dtype) == (np.float32, np.float64)
    assert (grid.labels64[0], grid.labels64[-1]) == (first, last)


def test_labels_are_the_decimals_one_would_type():
    assert [f"{label!r}" for label in LabelGrid.scut_fbp().labels64.tolist()] == [
        f"{tenth // 10}.{tenth % 10}" for tenth in range(10, 51)
    ]


@pytest.mark.parametrize("grid", GRIDS)
def test_labels_ascend_evenly_and_end_at_stop(grid):
    np.testing.assert_allclose(np.diff(grid.labels64), grid.step, rtol=1e-12)
    assert grid.labels64[-1] == grid.stop
    np.testing.assert_array_equal(grid.labels, grid.labels64.astype(np.float32))


def test_labels_cannot_be_changed():
    grid = LabelGrid.age()
    for labels in (grid.labels, grid.labels64):
        with pytest.raises(ValueError, match="read-only"):
            labels[0] = 5
    with pytest.raises(AttributeError):
        grid.start = 3


def test_equal_grids_are_one_key():
    grid = LabelGrid(np.int64(0), np.float32(100))
    assert grid == LabelGrid.age()
    assert {grid: 1}[LabelGrid(0.0, 100.0, 1)] == 1
    assert grid != LabelGrid(0, 100, task="weight")
    assert grid != LabelGrid(0, 100, step=0.5)


@pytest.mark.parametrize("grid", GRIDS)
def test_config_round_trip(grid):
    config = json.loads(json.dumps(grid.get_config()))
    assert LabelGrid.from_config(config) == grid
    assert as_grid(config) == as_grid(grid) == grid
    assert pickle.loads(pickle.dumps(grid)) == grid


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nearest_index_against_a_slow_search(grid, dtype):
    rng = np.random.default_rng(0)
    y = rng.uniform(grid.start - 3, grid.stop + 3, 500).astype(dtype)
    slow = [min(range(grid.size), key=lambda k: abs(grid.labels64[k] - float(v))) for v in y]
    np.testing.assert_array_equal(grid.nearest_index(y), slow)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_tie_goes_down(grid, dtype):
    midpoints = (grid.labels64[:-1] + grid.labels64[1:]) / 2
    np.testing.assert_array_equal(
        grid.nearest_index(midpoints.astype(dtype)), np.arange(grid.size - 1)
    )
    just_above = midpoints + 1e-3 * grid.step
    np.testing.assert_array_equal(
        grid.nearest_index(just_above.astype(dtype)), np.arange(1, grid.size)
    )


def test_nearest_index_keeps_the_shape_and_clips():
    grid = LabelGrid.age()
    index = grid.nearest_index([[-np.inf, 1e30], [50.4, 99.6]])
    assert index.dtype == np.int64
    assert index.tolist() == [[0, 100], [50, 100]]
    assert grid.nearest_index(7.2).shape == ()


def test_nearest_index_refuses_nan():
    with pytest.raises(ValueError, match="Received: 1 NaN of 2 values"):
        LabelGrid.age().nearest_index([np.nan, 3])


def test_contains():
    grid = LabelGrid(0.1, 0.7, 0.1)
    y = [0.0999, 0.1, 0.35, np.float32(0.7), 0.701, np.nan, np.inf]
    assert grid.contains(y).tolist() == [False, True, True, True, False, False, False]
    # As float32, 0.1 and 0.7 lie off the ends by their rounding only.
    assert grid.contains(np.float32([0.1, 0.7])).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 100, 3), r"`step` does not fit.*divide.*Received: step=3"),
        ((0, 1, 2), r"`step` does not fit.*Received: step=2"),
        ((0, 100, 0), r"`step` is not valid.*above 0.*Received: step=0"),
        ((0, 100, -1), r"`step` is not valid.*Received: step=-1"),
        ((0, 100, float("nan")), r"`step` is not valid.*Received: step=nan"),
        ((5, 5), r"`stop` is not valid.*above 5.*Received: stop=5"),
        ((0, float("inf")), r"`stop` is not valid.*finite.*Received: stop=inf"),
        (("0", 100), r"`start` is not valid.*Received: start='0'"),
        ((False, 100), r"`start` is not valid.*Received: start=False"),
        ((0, 100, 1, ""), r"`task` is not valid.*Received: task=''"),
        ((0, 100, 1, None), r"`task` is not valid.*Received: task=None"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ConfigError, match=message):
        LabelGrid(*arguments)


@pytest.mark.parametrize("grid", [None, "ages", 101, {"start": 0}, {"start": 0, "stop": 1, "k": 2}])
def test_as_grid_refuses_anything_else(grid):
    with pytest.raises(ConfigError, match="`grid` is not valid.*LabelGrid.*Received: grid="):
        as_grid(grid)


def test_importing_labels_is_light():
    code = (
        "import sys, keras_dldl.labels; print({'keras', 'tensorflow', 'pandas'} & {*sys.modules})"
    )
    root = Path(__file__).parents[1]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert result.stdout.strip() == "set()", result.stderr
