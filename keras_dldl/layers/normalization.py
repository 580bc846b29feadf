"""The normalisation of face images, a layer inside every model."""

from collections.abc import Sequence
from typing import Any

import keras

# Channel mean and standard deviation (red, green, blue; images in [0, 1]) of the aligned faces
# the reference program was trained on.
FACE_MEAN = (0.5958, 0.4637, 0.4065)
FACE_STD = (0.2693, 0.2409, 0.2352)
FACE_NORMALIZATION = "face_normalization"


def face_normalization(name: str = FACE_NORMALIZATION) -> keras.layers.Layer:
    """Return the layer that maps RGB pixels 0...255 to `(pixel / 255 - mean) / std`.

    Input and output are (B, H, W, 3), channels last; the input may be uint8, the output is
    float32 under any dtype policy.

    >>> import numpy as np
    >>> black = face_normalization()(np.zeros((1, 1, 1, 3)))
    >>> [round(float(channel), 4) for channel in black[0, 0, 0]]
    [-2.2124, -1.9249, -1.7283]
    """
    return keras.layers.Rescaling(
        scale=[1.0 / (255.0 * std) for std in FACE_STD],
        offset=[-mean / std for mean, std in zip(FACE_MEAN, FACE_STD, strict=True)],
        dtype="float32",
        name=name,
    )


def image_normalization(
    mean: Sequence[float], std: Sequence[float], reverse: bool = False
) -> keras.layers.Layer:
    """Return the layer that maps RGB pixels 0...255 to `(pixel - mean) / std`.

    Args:
        mean: of the red, green and blue pixels.
        std: of the red, green and blue pixels.
        reverse: whether the output is blue, green, red, as networks that came from Caffe want it.

    Input and output are (B, H, W, 3), channels last; the output is float32 under any dtype policy.

    >>> import numpy as np
    >>> layer = image_normalization((1.0, 2.0, 3.0), (1.0, 1.0, 2.0), reverse=True)
    >>> np.asarray(layer(np.full((1, 1, 1, 3), 9.0)))[0, 0, 0].tolist()
    [3.0, 7.0, 8.0]
    """
    return ImageNormalization(mean, std, reverse, dtype="float32", name="image_normalization")


@keras.saving.register_keras_serializable(package="keras_dldl")
class ImageNormalization(keras.layers.Layer):
    """Subtracts a mean and divides by a standard deviation; may turn the channels round.

    Args:
        mean: of the red, green and blue pixels.
        std: of the red, green and blue pixels.
        reverse: whether the output is blue, green, red.
        **kwargs: `name`, `dtype`, `trainable` of a Keras layer.

    Input and output shape: (B, H, W, 3).
    """

    def __init__(
        self, mean: Sequence[float], std: Sequence[float], reverse: bool = False, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.mean = [float(value) for value in mean]
        self.std = [float(value) for value in std]
        self.reverse = bool(reverse)

    def call(self, inputs: Any) -> Any:
        """Return the normalised images."""
        images = keras.ops.cast(inputs, self.compute_dtype)
        images = (images - keras.ops.array(self.mean, images.dtype)) / keras.ops.array(
            self.std, images.dtype
        )
        return keras.ops.flip(images, axis=-1) if self.reverse else images

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape of the input."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument."""
        own = {"mean": self.mean, "std": self.std, "reverse": self.reverse}
        return {**super().get_config(), **own}
