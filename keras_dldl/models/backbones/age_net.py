"""TinyAgeNet and ThinAgeNet: the paper's compressed VGG-16 (Gao et al. 2020, section 4.1)."""

from typing import Any

import keras

# Channels of the five stages; each stage has 2, 2, 3, 3, 3 convolutions, as in VGG-16.
STAGE_CONVOLUTIONS = (2, 2, 3, 3, 3)
THIN_WIDTHS = (32, 64, 128, 256, 256)
TINY_WIDTHS = (16, 32, 64, 128, 128)
EPSILON = 1e-5


def tiny_age_net(images: Any) -> Any:
    """Return the last feature map, (B, S // 16, S // 16, 128); see `age_net_map`."""
    return age_net_map(images, TINY_WIDTHS)


def thin_age_net(images: Any) -> Any:
    """Return the last feature map, (B, S // 16, S // 16, 256); see `age_net_map`."""
    return age_net_map(images, THIN_WIDTHS)


def age_net_map(images: Any, widths: tuple[int, ...]) -> Any:
    """Return the last feature map of a compressed VGG-16.

    Thirteen 3x3 convolutions without bias, each followed by batch normalisation and ReLU; a 2x2
    max-pooling between stages. The one after the last stage belongs to the paper's hybrid pooling.

    Args:
        images: symbolic tensor (B, S, S, 3), normalised images.
        widths: channels of the five stages.

    Returns:
        Symbolic tensor (B, S // 16, S // 16, widths[-1]).
    """
    x = images
    for stage, (width, count) in enumerate(zip(widths, STAGE_CONVOLUTIONS, strict=True), 1):
        if stage > 1:
            x = keras.layers.MaxPooling2D(2, name=f"stage{stage - 1}_pool")(x)
        for k in range(1, count + 1):
            name = f"stage{stage}_conv{k}"
            x = keras.layers.Conv2D(
                width,
                3,
                padding="same",
                use_bias=False,
                kernel_initializer=initializer(),
                name=name,
            )(x)
            x = keras.layers.BatchNormalization(momentum=0.9, epsilon=EPSILON, name=f"{name}_bn")(x)
            x = keras.layers.ReLU(name=f"{name}_relu")(x)
    return x


def initializer() -> keras.initializers.Initializer:
    """Return N(0, sqrt(2 / (k k n_out))): the paper scales by the fan out, untruncated.

    One for each layer: the same object gives two kernels of one shape the same values.
    """
    return keras.initializers.VarianceScaling(
        2.0, mode="fan_out", distribution="untruncated_normal"
    )
