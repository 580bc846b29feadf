"""The normalisation of face images, a layer inside every model."""

import keras

# Channel mean and standard deviation (red, green, blue; images in [0, 1]) of the aligned faces
# the reference program was trained on.
FACE_MEAN = (0.5958, 0.4637, 0.4065)
FACE_STD = (0.2693, 0.2409, 0.2352)


def face_normalization(name: str = "face_normalization") -> keras.layers.Layer:
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
