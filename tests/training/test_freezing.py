import numpy as np
import pytest

from keras_dldl import LabelGrid, build_model
from keras_dldl.errors import ConfigError
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.freezing import is_frozen, set_frozen


@pytest.fixture(scope="module")
def model():
    return build_model("tiny-age-net", LabelGrid.age(), input_size=32)


@pytest.mark.parametrize(
    ("patterns", "count", "one"),
    [
        (["backbone"], 26, "stage5_conv3_bn"),
        (["stage1"], 4, "stage1_conv2"),
        (["stage1", "stage2"], 8, "stage2_conv1"),
        (["stage5_conv3"], 2, "stage5_conv3_bn"),
        (["*_bn"], 13, "stage3_conv1_bn"),
        (["logits"], 1, "logits"),
    ],
)
def test_what_is_frozen(model, patterns, count, one):
    names = set_frozen(model, patterns, True)
    assert (len(names), one in names) == (count, True)
    frozen = {layer.name for layer in model.layers if layer.weights and not layer.trainable}
    assert frozen == set(names)
    set_frozen(model, patterns, False)
    assert all(layer.trainable for layer in model.layers)


def test_frozen_normalisation_keeps_its_statistics(model):
    set_frozen(model, ["backbone"], True)
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)
    mean = np.array(model.get_layer("stage1_conv1_bn").moving_mean)
    trained = np.asarray(model(images, training=True))
    np.testing.assert_array_equal(np.asarray(model.get_layer("stage1_conv1_bn").moving_mean), mean)
    np.testing.assert_array_equal(trained, np.asarray(model(images, training=False)))
    set_frozen(model, ["backbone"], False)


def test_a_name_of_no_layer(model):
    with pytest.raises(ConfigError, match=r"backbone, stage1, .*logits.*Did you mean stage4\?"):
        set_frozen(model, ["stage_4"], True)


def test_nothing_left_to_learn(model):
    with pytest.raises(ConfigError, match="nothing is left to learn.*all 27 layers"):
        set_frozen(model, ["*"], True)


def test_for_how_long():
    config = TrainConfig(freeze=["backbone"], freeze_epochs=2)
    assert [is_frozen(config, epoch) for epoch in range(4)] == [True, True, False, False]
    assert is_frozen(TrainConfig(freeze=["backbone"]), 99)
    assert not is_frozen(TrainConfig(), 0)
