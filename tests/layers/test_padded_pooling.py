"""Pooling with borders and windows over the edge, against a slow loop over windows."""

import keras
import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.layers.padded_pooling import PaddedPooling2D, pooled_length
from tests.importing.networks import forward, pooling
from tests.keras_case import check_config

SIZES = [(2, 2, 0), (2, 1, 1), (3, 2, 1), (3, 3, 1), (4, 3, 2), (5, 2, 2), (2, 3, 0), (1, 1, 0)]


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("mode", ["max", "average", "average of the image"])
def test_against_a_slow_loop(mode, ceil):
    for size, stride, pad in SIZES:
        for side in (5, 8):
            x = np.random.default_rng(side).normal(-1, 1, (2, side, side + 1, 3))
            if ceil and stride > size:
                continue  # a window behind the edge: Torch7 itself would read nothing
            kind = "nn.SpatialMaxPooling" if mode == "max" else "nn.SpatialAveragePooling"
            counted = mode != "average of the image"
            module = pooling(kind, size, stride, pad, ceil, count_include_pad=counted)
            expected = forward(module, x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
            layer = PaddedPooling2D(
                mode.split()[0], (size, size), (stride, stride), (pad, pad), ceil, counted
            )
            given = np.asarray(layer(x.astype("float32")))
            np.testing.assert_allclose(given, expected, atol=1e-6, err_msg=f"{size} {stride} {pad}")
            assert layer.compute_output_shape(x.shape) == expected.shape


def test_sides_of_their_own():
    x = np.arange(30.0).reshape(1, 5, 6, 1)
    layer = PaddedPooling2D("max", (3, 1), (2, 2), (1, 0))
    np.testing.assert_array_equal(
        np.asarray(layer(x))[0, :, :, 0], [[6, 8, 10], [18, 20, 22], [24, 26, 28]]
    )


def test_the_config_and_the_symbolic_shape():
    arguments = {
        "mode": "average", "size": (3, 2), "strides": (2, 1), "padding": (1, 1), "ceil": True,
        "count_padding": False, "name": "p", "dtype": "float16",
    }  # fmt: skip
    layer = check_config(PaddedPooling2D, **arguments)
    assert layer(keras.Input((9, 8, 2))).shape == (None, 5, 9, 2)


def test_half_precision_stays_finite():
    x = np.full((1, 3, 3, 1), -5.0, "float16")
    layer = PaddedPooling2D("max", (3, 3), (2, 2), (1, 1), dtype="float16")
    np.testing.assert_array_equal(layer(x), np.full((1, 2, 2, 1), -5.0))


def test_an_unknown_mode_is_refused():
    with pytest.raises(ConfigError, match="mode='sum'"):
        PaddedPooling2D("sum", (2, 2), (2, 2))


def test_where_no_window_fits():
    assert pooled_length(3, 4, 1, 0, ceil=False) == 0
    assert pooled_length(5, 1, 3, 0, ceil=True) == 2  # a third would start behind the image
