import keras
import numpy as np
import pytest

from keras_dldl import LabelGrid, build_model
from keras_dldl.errors import ConfigError
from keras_dldl.training.build import make_method, make_trained, precision
from keras_dldl.training.config import OPTIMIZERS, TrainConfig
from keras_dldl.training.optimizer import make_optimizer


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("dldl-v2", {"sigma": 3.0, "expectation_weight": 0.1, "kl_reduction": "mean"}),
        ("dldl", {"sigma": 3.0, "kl_reduction": "mean"}),
        ("er", {"norm": "l2"}),
        ("dex", {}),
    ],
)
def test_a_method_gets_the_settings_it_knows(method, options):
    config = TrainConfig(
        method=method, sigma=3, expectation_weight=0.1, kl_reduction="mean", expectation_norm="l2"
    )
    assert make_method(config).get_config() == {"name": method, "options": options}


def test_unknown_method():
    with pytest.raises(ConfigError, match="'foo'"):
        make_method(TrainConfig(method="foo"))


def test_optimizers_carry_their_settings():
    adam = make_optimizer(TrainConfig(gradient_clip_norm=2, epsilon=1e-7), [])
    assert (type(adam).__name__, adam.epsilon, adam.global_clipnorm) == ("Adam", 1e-7, 2)
    assert adam.weight_decay is None
    sgd = make_optimizer(TrainConfig(optimizer="sgd", momentum=0.5), [])
    assert (type(sgd).__name__, sgd.momentum) == ("SGD", 0.5)
    lamb = make_optimizer(TrainConfig(optimizer="lamb", beta_1=0.8), [], ema=0.99)
    assert (type(lamb).__name__, lamb.beta_1, lamb.ema_momentum) == ("Lamb", 0.8, 0.99)
    lion = make_optimizer(TrainConfig(optimizer="lion", beta_2=0.99), [])
    assert (type(lion).__name__, lion.beta_2, lion.use_ema) == ("Lion", 0.99, False)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_weight_decay_shrinks_kernels_alone(kind):
    kernel, bias = keras.Variable(np.ones((2, 2))), keras.Variable(np.ones(2))
    config = TrainConfig(optimizer=kind, weight_decay=0.1, learning_rate=0.5)
    optimizer = make_optimizer(config, [kernel, bias])
    optimizer.build([kernel, bias])
    optimizer.apply([np.zeros((2, 2), "float32"), np.zeros(2, "float32")])
    # Decoupled: value - rate * decay * value = 1 - 0.5 * 0.1.
    np.testing.assert_allclose(kernel, np.full((2, 2), 0.95), rtol=1e-6)
    np.testing.assert_array_equal(bias, np.ones(2))


def test_precision_is_set_back_after_an_error():
    before = keras.config.dtype_policy().name
    with pytest.raises(RuntimeError), precision("mixed_bfloat16"):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        raise RuntimeError
    assert keras.config.dtype_policy().name == before


def test_trained_model_shares_its_weights():
    face_model = build_model("tiny-age-net", LabelGrid.age(), input_size=32)
    trained = make_trained(TrainConfig(), face_model)
    trained.trainable_variables[0].assign(np.zeros(trained.trainable_variables[0].shape))
    assert not np.any(np.asarray(face_model.trainable_variables[0]))
    assert trained.optimizer.built
