import keras
import numpy as np
import pytest

from keras_dldl.layers import linear_head, shared_ranking_head


@pytest.fixture(params=["float32", "mixed_float16", "mixed_bfloat16", "float64"])
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def build(head, *arguments):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8,))
    features = keras.layers.Dense(16)(inputs)
    return keras.Model(inputs, head(features, *arguments))


def features_of(model, x):
    head = next(layer for layer in model.layers if layer.name in ("logits", "score"))
    return np.asarray(keras.Model(model.input, head.input)(x))


@pytest.mark.parametrize("head", [linear_head, shared_ranking_head])
def test_outputs_are_float32_under_any_policy(policy, head):
    output = build(head, 101).output
    assert (output.shape, output.dtype) == ((None, 101), "float32")


def test_linear_head_is_one_linear_layer_with_zero_bias():
    model = build(linear_head, 101)
    kernel, bias = model.get_layer("logits").get_weights()
    assert (kernel.shape, bias.shape) == ((16, 101), (101,))
    assert not bias.any()
    assert kernel.std() > 0
    x = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    expected = features_of(model, x) @ kernel
    np.testing.assert_allclose(np.asarray(model(x)), expected, rtol=1e-4, atol=1e-5)


def test_the_shared_head_differs_between_outputs_by_biases_alone(tmp_path):
    model = build(shared_ranking_head, 5)
    (kernel,) = model.get_layer("score").get_weights()
    assert kernel.shape == (16, 1)
    assert not np.any(model.get_layer("biases").get_weights())
    biases = np.array([2.0, 1.0, 0.5, -1.0, -3.0], np.float32)
    model.get_layer("biases").set_weights([biases])
    x = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    expected = features_of(model, x) @ kernel + biases
    np.testing.assert_allclose(np.asarray(model(x)), expected, rtol=1e-4, atol=1e-5)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(x), model(x))
    assert {variable.path.split("/")[-1] for variable in again.weights} >= {"biases"}
