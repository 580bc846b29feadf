"""A model that carries all that is needed to use it."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_dldl.arguments import check_choice, check_number
from keras_dldl.errors import ConfigError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import LabelGrid, as_grid
from keras_dldl.layers.normalization import face_normalization
from keras_dldl.methods import Method, get_method
from keras_dldl.methods.layer import MethodDistribution
from keras_dldl.models.backbones import BACKBONES
from keras_dldl.models.layer_list import is_layer_list, layer_list_features, layers_from_config

MIN_INPUT_SIZE = 32
LAYER_LIST = "layers"  # the name of a backbone that is written as a list of layers


@keras.saving.register_keras_serializable(package="keras_dldl")
class FaceModel(keras.Model):
    """A functional model from faces to a label distribution, self-describing in its file.

    Normalisation is inside: images enter as uint8-range RGB, 0 ... 255, channels last.

    Args:
        backbone: a name: "tiny-age-net", "thin-age-net" or "vgg16"; or a list of layers or of their
            configs, see `models.layer_list`.
        grid: the label grid, or its config.
        method: the method it is trained by, a name or a `Method` or its config. Its head and its
            decoder are the model's.
        input_size: side of the input in pixels, from 32 up.
        alignment: how faces are cut out for it, or the config of that; default `Alignment()`.
        dropout: rate before the head, in [0, 1).
        card: anything else to keep in the file, as plain JSON values.

    Input shape: (B, input_size, input_size, 3), 0 ... 255.
    Output shape: (B, K) probabilities, float32, whatever the method.
    """

    def __init__(
        self,
        backbone: str | Sequence[Any],
        grid: LabelGrid | dict,
        method: str | Method | dict = "dldl-v2",
        input_size: int = 224,
        alignment: Alignment | dict | None = None,
        dropout: float = 0.0,
        card: dict[str, Any] | None = None,
        **kwargs,
    ):
        _check(backbone, input_size, dropout)
        grid, method, input_size = as_grid(grid), get_method(method), int(input_size)
        images = keras.Input((input_size, input_size, 3), name="images")
        layers = layers_from_config(backbone) if is_layer_list(backbone) else None
        normalized = face_normalization()(images)
        if layers is None:
            features = BACKBONES[backbone](normalized)
        else:
            features = layer_list_features(normalized, layers)
        if dropout:
            features = keras.layers.Dropout(dropout, name="dropout")(features)
        raw = method.head(features, grid)
        probabilities = MethodDistribution(method, grid, name="probabilities")(raw)
        _check_distribution(method, probabilities, grid)
        super().__init__(inputs=images, outputs=probabilities, **kwargs)

        # === Config ===
        self.backbone_name = LAYER_LIST if layers else backbone
        self.layer_list = layers
        self.grid = grid
        self.method = method
        self.input_size = input_size
        self.alignment = _alignment(alignment)
        self.dropout = float(dropout)
        self.card = dict(card or {})
        self._raw = raw

    @property
    def task(self) -> str:
        """The task of the label grid: "age" or "attractiveness"."""
        return self.grid.task

    def training_model(self) -> keras.Model:
        """Return a model with the same weights that ends in the method's raw outputs, (B, R).

        Those are what the method's loss takes: for most methods the logits before the softmax.
        """
        return keras.Model(self.input, self._raw, name=f"{self.name}_training")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {
            "name": self.name,
            "backbone": [layer.get_config() for layer in self.layer_list or ()]
            or self.backbone_name,
            "grid": self.grid.get_config(),
            "method": self.method.get_config(),
            "input_size": self.input_size,
            "alignment": self.alignment.get_config(),
            "dropout": self.dropout,
            "card": self.card,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects=None) -> "FaceModel":
        """Make a model from `get_config()`."""
        return cls(**config)


def _check_distribution(method: Method, probabilities: Any, grid: LabelGrid) -> None:
    shape = tuple(probabilities.shape)
    if shape != (None, grid.size):
        raise ConfigError(
            f"The method {method.name} must give distributions over the grid, (B, {grid.size}). "
            f"Received: shape={shape}"
        )


def _alignment(alignment: Alignment | dict | None) -> Alignment:
    if isinstance(alignment, dict):
        return Alignment.from_config(alignment)
    if alignment is None or isinstance(alignment, Alignment):
        return alignment or Alignment()
    raise ConfigError(
        "`alignment` must be a faces.Alignment, its config or None. "
        f"Received: alignment={alignment!r}"
    )


def _check(backbone: str | Sequence[Any], input_size: int, dropout: float) -> None:
    if not is_layer_list(backbone):
        check_choice("name", backbone, BACKBONES)
    size = check_number("input_size", input_size, minimum=MIN_INPUT_SIZE)
    if size != int(size):
        raise ConfigError(
            f"`input_size` must be a whole number of pixels from {MIN_INPUT_SIZE} up. "
            f"Received: input_size={input_size}"
        )
    if not 0 <= check_number("dropout", dropout) < 1:
        raise ConfigError(f"`dropout` must be in [0, 1). Received: dropout={dropout}")
