import numpy as np
import pytest

from keras_dldl import LabelGrid, build_model
from keras_dldl.errors import ConfigError
from keras_dldl.training.build import make_method, make_trained
from keras_dldl.training.config import TrainConfig


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


def test_trained_model_shares_its_weights():
    face_model = build_model("tiny-age-net", LabelGrid.age(), input_size=32)
    trained = make_trained(TrainConfig(), face_model)
    trained.trainable_variables[0].assign(np.zeros(trained.trainable_variables[0].shape))
    assert not np.any(np.asarray(face_model.trainable_variables[0]))
    assert trained.optimizer.built
