"""Models as after some training, and backbones for tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import numpy as np
import pytest

from keras_dldl.models.backbones import BACKBONES


def shaken(model, seed=0):
    """Give every weight a value of its own, the statistics among them."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        is_kernel = len(weight.shape) > 1
        change = (
            rng.normal(0, 0.02, weight.shape) if is_kernel else rng.uniform(0, 0.1, weight.shape)
        )
        weight.assign(weight + change)
    return model


@contextmanager
def backbone(make: Callable, name: str = "mini") -> Iterator[str]:
    """Have `make`, from images to a map or to features, be a backbone; give its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, name, make)
        yield name


def squares(x, channels=3, side=8):
    """A map of squares of the images: a convolution whose kernels do not overlap."""
    return keras.layers.Conv2D(channels, side, side, activation="relu")(x)


def flat_squares(x):
    """Features that are no average of a map."""
    return keras.layers.Flatten()(squares(x))
