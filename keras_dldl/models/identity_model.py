"""A model from faces to features that tell people apart: what pre-training gives."""

from typing import Any

import keras

from keras_dldl.faces.alignment import Alignment, as_alignment
from keras_dldl.models.backbones import check_arguments, features_of


@keras.saving.register_keras_serializable(package="keras_dldl")
class IdentityModel(keras.Model):
    """A backbone without a head, to start a `FaceModel` from (Gao et al. 2020, section 5.2).

    Normalisation is inside: images enter as uint8-range RGB, 0 ... 255, channels last. The class
    centres it was trained against are not in it: they are of no use for other people.

    Args:
        backbone: as in `FaceModel`.
        input_size: side of the input in pixels.
        alignment: how faces were cut out for it, or the config of that; default `Alignment()`.
        pooling: as in `FaceModel`.
        dropout: rate after the backbone, in [0, 1).
        card: anything else to keep in the file, as plain JSON values.

    Input shape: (B, input_size, input_size, 3), 0 ... 255.
    Output shape: (B, C) features; the smaller the angle between two, the liker the faces.
    """

    def __init__(
        self,
        backbone: str,
        input_size: int = 224,
        alignment: Alignment | dict | None = None,
        pooling: str | None = None,
        dropout: float = 0.0,
        card: dict[str, Any] | None = None,
        **kwargs,
    ):
        check_arguments(backbone, input_size, dropout)
        input_size = int(input_size)
        images = keras.Input((input_size, input_size, 3), name="images")
        features = features_of(backbone, images, pooling).vector
        if dropout:
            features = keras.layers.Dropout(dropout, name="dropout")(features)
        super().__init__(inputs=images, outputs=features, **kwargs)

        # === Config ===
        self.backbone_name = backbone
        self.input_size = input_size
        self.alignment = as_alignment(alignment)
        self.pooling = pooling
        self.dropout = float(dropout)
        self.card = dict(card or {})

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {
            "name": self.name,
            "backbone": self.backbone_name,
            "input_size": self.input_size,
            "alignment": self.alignment.get_config(),
            "pooling": self.pooling,
            "dropout": self.dropout,
            "card": self.card,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects=None) -> "IdentityModel":
        """Make a model from `get_config()`."""
        return cls(**config)
