"""Averaged models have the mean of the weights of two, and nothing else of them."""

import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.models.averaging import average_models
from tests.models.test_joining import faces, made


@pytest.mark.parametrize("weight", [0.5, 0.8, 0.0])
def test_the_weights_are_the_mean(weight):
    first, second = made(1), made(2)
    averaged = average_models(first, second, weight)
    assert averaged.backbone_name == "tiny-age-net" and averaged.calibration is None
    for a, b, c in zip(*(m.get_weights() for m in (first, second, averaged)), strict=True):
        expected = weight * a.astype("float64") + (1 - weight) * b.astype("float64")
        np.testing.assert_allclose(c, expected, rtol=1e-6, atol=1e-7)


def test_a_model_and_itself():
    model = made(3)
    averaged = average_models(model, model, 0.3)
    np.testing.assert_allclose(averaged(faces()), model(faces()), atol=1e-6)


@pytest.mark.parametrize(
    ("others", "weight", "said"),
    [
        ({"input_size": 64}, 0.5, "averaged must have the same .*input_size 48 and 64"),
        ({"name": "thin-age-net"}, 0.5, "backbone_name tiny-age-net and thin-age-net"),
        ({}, 1.5, "a share, 0 ... 1"),
        ({}, -1, "weight"),
    ],
)
def test_what_does_not_fit_is_refused(others, weight, said):
    with pytest.raises(ConfigError, match=said):
        average_models(made(1), made(2, **others), weight)
