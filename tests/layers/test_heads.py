import keras
import numpy as np
import pytest

from keras_dldl.labels import LabelGrid
from keras_dldl.layers import distribution_head
from keras_dldl.losses import LabelDistributionLoss
from tests import reference


@pytest.fixture(params=["float32", "mixed_float16", "mixed_bfloat16", "float64"])
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def build(name="logits"):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8,))
    features = keras.layers.Dense(16)(inputs)
    return keras.Model(inputs, distribution_head(features, 101, name))


def test_outputs_are_float32_under_any_policy(policy):
    model = build()
    assert [(o.shape, o.dtype) for o in model.outputs] == [((None, 101), "float32")] * 2
    logits, p = model(np.random.default_rng(0).normal(size=(3, 8)))
    np.testing.assert_allclose(np.asarray(p), reference.softmax(np.asarray(logits)), atol=1e-6)
    np.testing.assert_allclose(np.asarray(p).sum(axis=1), 1, atol=1e-6)


def test_it_is_one_linear_layer_with_zero_bias():
    model = build()
    kernel, bias = model.get_layer("logits").get_weights()
    assert (kernel.shape, bias.shape) == ((16, 101), (101,))
    assert not bias.any()
    assert kernel.std() > 0
    x = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    features = keras.Model(model.input, model.get_layer("logits").input)(x)
    np.testing.assert_allclose(
        np.asarray(model(x)[0]), np.asarray(features) @ kernel, rtol=1e-4, atol=1e-5
    )


def test_names():
    assert [layer.name for layer in build().layers[-2:]] == ["logits", "probabilities"]
    assert [layer.name for layer in build("age").layers[-2:]] == ["age", "age_probabilities"]


@pytest.mark.parametrize("policy", ["mixed_float16"], indirect=True)
def test_one_step_under_a_mixed_policy(policy):
    model = build()
    model = keras.Model(model.input, model.outputs[1])
    model.compile("adam", loss=LabelDistributionLoss(LabelGrid.age()))
    x = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
    before = model.get_weights()
    logs = model.fit(x, np.linspace(5, 95, 6), verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
