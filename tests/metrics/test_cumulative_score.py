import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.metrics import CumulativeScore


@pytest.mark.parametrize(("threshold", "score"), [(0, 20), (3, 40), (4.9, 60), (5, 80), (8, 100)])
def test_by_hand(threshold, score):
    y = np.full(5, 40.0)
    y_hat = y + [0, -3, 4, 5, -7.5]
    assert float(CumulativeScore(LabelGrid.age(), threshold)(y, y_hat)) == score


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_threshold_itself_counts_for_decimals_too(dtype):
    grid = LabelGrid.scut_fbp()
    y = grid.labels64[:-5].astype(dtype)
    assert float(CumulativeScore(grid, 0.5, dtype=dtype)(y, grid.labels64[5:])) == 100
    assert float(CumulativeScore(grid, 0.499, dtype=dtype)(y, grid.labels64[5:])) == 0


def test_name_tells_the_threshold():
    names = [CumulativeScore(LabelGrid.age(), t).name for t in (3, 5.0, 0.5)]
    assert names == ["cs3", "cs5", "cs0.5"]


@pytest.mark.parametrize("threshold", [-1, float("nan"), "5", None])
def test_wrong_threshold(threshold):
    with pytest.raises(ConfigError, match="`threshold` is not valid.*not below 0.*Received: "):
        CumulativeScore(LabelGrid.age(), threshold)
