"""Augmentation as a Keras layer, for training where no `tf.data` feeds it."""

from typing import Any

import keras
from keras import ops

from keras_dldl.data.augment.apply import apply
from keras_dldl.data.augment.strengths import Augmentation


@keras.saving.register_keras_serializable(package="keras_dldl")
class FaceAugmentation(keras.layers.Layer):
    """Applies draws to a batch of faces, on any back end and device; see `apply`.

    Args:
        augmentation: the strengths, or their config; what they turn off is left out.
        **kwargs: `name` of a Keras layer.

    Call arguments:
        images: (B, S, S, 3) uint8 or float32 in 0 ... 255; B and S must be known.
        draws: (B,) float32 tensors by name, see `draws_from`.

    Output shape: (B, S, S, 3) float32 in 0 ... 255, not rounded, under any dtype policy.
    """

    def __init__(self, augmentation: Augmentation | dict[str, Any], **kwargs: Any):
        # Else Keras would round the draws to the half precision of a mixed policy.
        super().__init__(autocast=False, **kwargs)
        if not isinstance(augmentation, Augmentation):
            augmentation = Augmentation.from_config(augmentation)
        self.augmentation = augmentation

    def call(self, images: Any, draws: dict[str, Any]) -> Any:
        """Return the augmented faces."""
        return apply(ops, images, draws, self.augmentation)

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument."""
        return {**super().get_config(), "augmentation": self.augmentation.get_config()}
