"""From a head's raw outputs to the label distribution, as a layer of the model."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_dldl.labels import LabelGrid, as_grid
from keras_dldl.methods.base import Method
from keras_dldl.methods.registry import get_method


@keras.saving.register_keras_serializable(package="keras_dldl")
class MethodDistribution(keras.layers.Layer):
    """The last layer of every model: what a method's raw outputs mean.

    Args:
        method: the method, or its name or config.
        grid: the label grid, or its config.
        model: what a `FaceModel` that ends in this layer carries besides its layers, or None;
            `keras.models.clone_model` makes a new model of the configs of layers alone.
        **kwargs: `name` and `trainable` of a Keras layer.

    Input shape: (B, R), the raw outputs of the method's head.
    Output shape: (B, K) probabilities, float32 under any dtype policy.

    Raises:
        ConfigError: `method` or `grid` is not valid.
    """

    def __init__(
        self,
        method: str | Method | dict,
        grid: LabelGrid | dict,
        model: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        # Else Keras would first round the outputs to the half precision of a mixed policy.
        super().__init__(autocast=False, **kwargs)
        self.method = get_method(method)
        self.grid = as_grid(grid)
        self.describe: Callable[[], dict[str, Any] | None] = lambda: model

    def call(self, inputs: Any) -> Any:
        """Return the distributions, (B, K)."""
        return ops.cast(self.method.distribution(inputs, self.grid), "float32")

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument."""
        own = {"method": self.method.get_config(), "grid": self.grid.get_config()}
        return {**super().get_config(), **own, "model": self.describe()}
