import keras
import ml_dtypes
import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.layers import DistributionStd, Expectation
from tests import reference
from tests.gradients import value_and_gradient
from tests.keras_case import check_config

GRIDS = [LabelGrid.age(), LabelGrid.scut_fbp(), LabelGrid.cfd()]
LAYERS = [Expectation, DistributionStd]


def distributions(grid, rows=16):
    return np.random.default_rng(0).dirichlet(np.ones(grid.size), size=rows)


def expected_of(layer, p, grid):
    mean = p @ grid.labels64
    if layer is Expectation:
        return mean
    return np.sqrt(np.sum(p * (grid.labels64 - mean[:, None]) ** 2, axis=1))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_against_numpy(layer, grid, dtype):
    p = distributions(grid).astype(dtype)
    found = np.asarray(layer(grid, dtype=dtype)(p))
    assert found.shape == (16,)
    assert found.dtype == dtype
    expected = expected_of(layer, p.astype(float), grid)
    np.testing.assert_allclose(found, expected, rtol={"float32": 2e-6, "float64": 1e-13}[dtype])


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("half", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_comes_out_as_float32(layer, half):
    grid = GRIDS[0]
    p = distributions(grid).astype(half)
    found = np.asarray(layer(grid, dtype=f"mixed_{np.dtype(half).name}")(p))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected_of(layer, p.astype(float), grid), rtol=1e-5)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_mixed_policy_does_not_round_the_probabilities(layer):
    grid = GRIDS[0]
    p = distributions(grid).astype(np.float32)
    mixed = np.asarray(layer(grid, dtype="mixed_bfloat16")(p))
    np.testing.assert_array_equal(mixed, np.asarray(layer(grid)(p)))


@pytest.mark.parametrize("layer", LAYERS)
def test_symbolic_and_eager_shapes_agree(layer):
    inputs = keras.Input((101,))
    outputs = layer(GRIDS[0])(inputs)
    assert (outputs.shape, outputs.dtype) == ((None,), "float32")
    assert layer(GRIDS[0]).compute_output_shape((5, 101)) == (5,)
    assert layer(GRIDS[0])(np.ones((1, 101)) / 101).shape == (1,)


@pytest.mark.parametrize("layer", LAYERS)
def test_config(layer):
    restored = check_config(layer, grid=LabelGrid.cfd().get_config(), name="decoder")
    assert restored.grid == LabelGrid.cfd()


@pytest.mark.parametrize("layer", LAYERS)
def test_saving(layer, tmp_path):
    grid = GRIDS[1]
    inputs = keras.Input((grid.size,))
    model = keras.Model(inputs, layer(grid, name="decoded")(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("decoded").grid == grid
    p = distributions(grid).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(loaded(p)), np.asarray(model(p)))


@pytest.mark.parametrize("layer", LAYERS)
def test_wrong_arguments_and_shapes(layer):
    with pytest.raises(ConfigError, match=r"`grid` is not valid.*Received: grid=\(0, 100\)"):
        layer((0, 100))
    with pytest.raises(ValueError, match=r"wrong shape.*\(B, 101\).*Received: shape=\(2, 41\)"):
        layer(GRIDS[0])(np.zeros((2, 41)))


def test_gradient_of_the_spread_of_one_label_is_finite():
    p = np.eye(101, dtype=np.float32)[[30]]
    std, gradient = value_and_gradient(DistributionStd(GRIDS[0]), p)
    assert std.tolist() == [0.0]
    assert np.isfinite(gradient).all()


def test_spread_of_a_gaussian_is_its_sigma():
    p = reference.label_distribution([50.0], 3.0, GRIDS[0].labels64)
    assert float(DistributionStd(GRIDS[0])(p)[0]) == pytest.approx(3.0, rel=1e-6)
