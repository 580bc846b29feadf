"""VGG-16 with its fully connected layers: the paper's baseline."""

from typing import Any

import keras

from keras_dldl.models.backbones.age_net import STAGE_CONVOLUTIONS, initializer

WIDTHS = (64, 128, 256, 512, 512)
UNITS = 4096  # of each of the fully connected layers
DROPOUT = 0.5


def vgg16_features(images: Any) -> Any:
    """Return the features of VGG-16, a symbolic tensor (B, 4096).

    Convolutions have biases and no batch normalisation, as VGG-16 was published (Simonyan and
    Zisserman 2015). With a 224 x 224 input and 101 labels the model has 134.7 M parameters.

    Args:
        images: symbolic tensor (B, S, S, 3), normalised images.
    """
    x = images
    for stage, (width, count) in enumerate(zip(WIDTHS, STAGE_CONVOLUTIONS, strict=True), 1):
        for k in range(1, count + 1):
            x = keras.layers.Conv2D(
                width,
                3,
                padding="same",
                activation="relu",
                kernel_initializer=initializer(),
                name=f"stage{stage}_conv{k}",
            )(x)
        x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for name in ("fc6", "fc7"):
        x = keras.layers.Dense(UNITS, activation="relu", name=name)(x)
        x = keras.layers.Dropout(DROPOUT, name=f"{name}_dropout")(x)
    return x
