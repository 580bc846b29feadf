"""A network of two convolutions, which stands for the paper's thirteen in runs of training."""

import keras
import pytest

from tests.models.given import backbone


def mini(images):
    x = images
    for stage, width in ((1, 8), (2, 16)):
        name = f"stage{stage}_conv1"
        x = keras.layers.Conv2D(width, 3, 4, padding="same", use_bias=False, name=name)(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
    return x


@pytest.fixture(scope="session", autouse=True)
def mini_backbone():
    with backbone(mini):
        yield
