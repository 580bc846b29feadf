"""A backbone that costs nothing: the tests of methods are not about backbones."""

import keras
import pytest

from keras_dldl.models import backbones


@pytest.fixture
def mini(monkeypatch):
    """Add a backbone of one convolution, and return its name."""

    def features(images):
        x = keras.layers.Conv2D(4, 8, strides=8, activation="relu", name="convolution")(images)
        return keras.layers.Flatten()(x)

    monkeypatch.setitem(backbones.BACKBONES, "mini", features)
    return "mini"
