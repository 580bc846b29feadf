"""Augmentation as a Keras layer, for models of one's own and where no `tf.data` feeds training."""

from typing import Any

import keras
from keras import ops

from keras_dldl.data.augment.apply import apply
from keras_dldl.data.augment.draws import ROWS, draws_from
from keras_dldl.data.augment.strengths import Augmentation


@keras.saving.register_keras_serializable(package="keras_dldl")
class FaceAugmentation(keras.layers.Layer):
    """Changes faces at random while a model trains, on any back end and device.

    The same as in `keras-dldl train`, see `data.augment.apply`. `Augmentation.mixup` is left out,
    as it mixes labels, too.

    Args:
        augmentation: the strengths, or their config; what they turn off is left out. Default None:
            `Augmentation()`, the reference code's.
        seed: of the random numbers; None: one that differs from run to run.
        **kwargs: `name` of a Keras layer.

    Call arguments:
        images: (B, S, S, 3) uint8 or float32 in 0 ... 255; S must be known.
        training: whether to change them; None, outside `fit`: no.

    Output shape: (B, S, S, 3) float32 in 0 ... 255, not rounded, under any dtype policy.

    >>> import numpy as np
    >>> layer = FaceAugmentation(Augmentation(rotation=30), seed=1)
    >>> faces = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    >>> tuple(layer(faces, training=True).shape)
    (2, 32, 32, 3)
    """

    def __init__(
        self,
        augmentation: Augmentation | dict[str, Any] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        # Else Keras would round the draws to the half precision of a mixed policy.
        super().__init__(autocast=False, **kwargs)
        if not isinstance(augmentation, Augmentation):
            augmentation = Augmentation.from_config(augmentation or {})
        self.augmentation = augmentation
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool | None = None) -> Any:
        """Return the faces, changed by draws of their own in training."""
        if not training:
            return ops.cast(images, "float32")
        count = ops.shape(images)[0]
        rows = keras.random.uniform((ROWS, count), dtype="float32", seed=self.seed_generator)
        draws = draws_from(self.augmentation, ops.unstack(rows), ops.ones((count,)), ops)
        return self.apply(images, draws)

    def compute_output_spec(self, images: Any, training: bool | None = None) -> keras.KerasTensor:
        """Return the shape and dtype of the faces."""
        return keras.KerasTensor(images.shape, "float32")

    def apply(self, images: Any, draws: dict[str, Any]) -> Any:
        """Return the faces changed by given draws, (B,) float32 tensors, see `draws_from`."""
        return apply(ops, images, draws, self.augmentation)

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument."""
        own = {"augmentation": self.augmentation.get_config(), "seed": self.seed}
        return {**super().get_config(), **own}
