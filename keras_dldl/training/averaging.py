"""Judging and saving the average of the weights over the steps, and training on without it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from keras_dldl.training.freezing import innermost_layers

# Statistics of this many images are as good as those of all (Wu and Johnson 2021, section 3).
MEASURED_IMAGES = 2048


class KeepRawWeights(keras.callbacks.Callback):
    """Undoes that Keras puts the averages into the model at the end of every `fit`."""

    def on_epoch_end(self, epoch, logs=None):
        """Remember the weights that were trained."""
        self._kept = values_of(self.model.trainable_variables)

    def on_train_end(self, logs=None):
        """Give them back."""
        give_values(self.model.trainable_variables, self._kept)


@contextmanager
def averaged_weights(trained: keras.Model, batches: Iterable[Any], part: int) -> Iterator[None]:
    """Have the averages of the weights in the model within the block.

    The statistics of batch normalisation are those of the weights that were trained, and wrong for
    their average: they are measured again on training images (Izmailov et al. 2018, section 3.2).

    Args:
        trained: a model compiled with an optimizer that keeps averages.
        batches: training batches, images first, of which the first `MEASURED_IMAGES` are used.
        part: how many images go through the network at a time.
    """
    variables = trained.variables
    kept = values_of(variables)
    try:
        trained.optimizer.finalize_variable_values(trained.trainable_variables)
        # Copies: on JAX they would be the optimizer's own, which `evaluate` gives away.
        give_values(trained.trainable_variables, values_of(trained.trainable_variables))
        measure_statistics(trained, batches, part)
        yield
    finally:
        give_values(variables, kept)


def measure_statistics(model: keras.Model, batches: Iterable[Any], part: int) -> None:
    """Set the statistics of batch normalisation to their means over training images.

    Layers that are frozen keep theirs. The model's random draws (dropout) go on.

    Args:
        model: the model, whose weights stay as they are.
        batches: training batches, images first.
        part: how many images go through the network at a time.
    """
    kind = keras.layers.BatchNormalization
    layers = [x for x in innermost_layers(model) if isinstance(x, kind) and x.trainable]
    if not layers:
        return
    variables = [v for layer in layers for v in (layer.moving_mean, layer.moving_variance)]
    sums, count = [np.zeros(v.shape, np.float64) for v in variables], 0
    with _no_memory(layers):
        for images in _parts(batches, part):
            model(images, training=True)
            for total, value in zip(sums, values_of(variables), strict=True):
                total += len(images) * value.astype(np.float64)
            count += len(images)
    give_values(variables, [total / count for total in sums])


def values_of(variables: Iterable[Any]) -> list[np.ndarray]:
    """Return copies of the values."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def give_values(variables: Iterable[Any], values: Iterable[np.ndarray]) -> None:
    """Give each variable its value."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


@contextmanager
def _no_memory(layers: list[Any]) -> Iterator[None]:
    """Have the statistics of the layers be those of the last images alone.

    They go through the network on one device, where there is nothing to synchronise.
    """
    before = [(layer.momentum, layer.synchronized) for layer in layers]
    try:
        for layer in layers:
            layer.momentum, layer.synchronized = 0.0, False
        yield
    finally:
        for layer, values in zip(layers, before, strict=True):
            layer.momentum, layer.synchronized = values


def _parts(batches: Iterable[Any], part: int) -> Iterator[Any]:
    count = 0
    for images, *_ in batches:
        for first in range(0, len(images), part):
            yield images[first : first + part]
        count += len(images)
        if count >= MEASURED_IMAGES:
            return
