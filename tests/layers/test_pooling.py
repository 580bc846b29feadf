import keras
import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.layers import GeneralizedMeanPooling
from tests.keras_case import check_config

X = np.random.default_rng(0).gamma(0.7, 2.0, (3, 4, 5, 6))


def reference(x, p):
    """In float64, as it is written in the paper."""
    x = np.maximum(np.asarray(x, np.float64), 1e-6)
    return np.mean(x**p, axis=(1, 2)) ** (1 / p)


@pytest.mark.parametrize("power", [1.0, 2.5, 3.0, 20.0])
def test_values_are_those_of_float64_numpy(power):
    found = GeneralizedMeanPooling(power)(X.astype(np.float32))
    np.testing.assert_allclose(found, reference(X.astype(np.float32), power), rtol=2e-5)


def test_one_is_the_average_and_many_the_maximum():
    one = GeneralizedMeanPooling(1.0)(X)
    np.testing.assert_allclose(one, keras.layers.GlobalAveragePooling2D()(X), rtol=1e-5)
    many = np.asarray(GeneralizedMeanPooling(200.0)(X))
    np.testing.assert_allclose(many, X.max(axis=(1, 2)), rtol=0.02)


def test_the_gradient_of_input_and_power_is_that_of_differences():
    tf = pytest.importorskip("tensorflow", reason="takes gradients with TensorFlow")
    layer = GeneralizedMeanPooling(3.0, dtype="float64")
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(layer(x))
    of_x, of_p = tape.gradient(total, [x, layer.p.value])
    e = 1e-6
    slope = (reference(X, 3 + e) - reference(X, 3 - e)).sum() / (2 * e)
    np.testing.assert_allclose(of_p, slope, rtol=1e-6)
    for place in [(0, 0, 0, 0), (1, 2, 3, 4), np.unravel_index(X.argmax(), X.shape)]:
        step = np.zeros_like(X)
        step[place] = e
        slope = (reference(X + step, 3) - reference(X - step, 3)).sum() / (2 * e)
        np.testing.assert_allclose(of_x[place], slope, rtol=1e-5)


def test_half_precision_does_not_overflow():
    layer = GeneralizedMeanPooling(3.0, dtype="mixed_float16")
    found = np.asarray(layer(np.full((1, 2, 2, 1), 1000.0, np.float16)))  # its cube is 1e9
    assert found.dtype == np.float16 and found[0, 0] == 1000


@pytest.mark.parametrize("value", [0.0, 1e30])
def test_edges_are_finite(value):
    found = np.asarray(GeneralizedMeanPooling(3.0)(np.full((1, 2, 2, 1), value, np.float32)))
    np.testing.assert_allclose(found, max(value, 1e-6), rtol=1e-5)


def test_the_power_is_learnt_and_never_below_one():
    model = keras.Sequential([keras.Input((4, 5, 6)), GeneralizedMeanPooling(1.01)])
    model.compile(keras.optimizers.SGD(100.0), "mse")
    model.fit(X, np.zeros((3, 6)), verbose=0)  # the lower the power, the nearer to zero
    assert float(model.layers[0].p) == 1.0


def test_config_and_bad_power():
    check_config(GeneralizedMeanPooling, power=2.0)
    with pytest.raises(ConfigError, match="`power` is not valid.*Received: power=0.5"):
        GeneralizedMeanPooling(0.5)
