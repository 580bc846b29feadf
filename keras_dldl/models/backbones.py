"""The paper's networks up to the feature vector (Gao et al. 2020, section 4.1)."""

from collections.abc import Callable

import keras

# Channel widths of the five stages; each stage has 2, 2, 3, 3, 3 convolutions, as in VGG-16.
STAGE_CONVOLUTIONS = (2, 2, 3, 3, 3)
THIN_WIDTHS = (32, 64, 128, 256, 256)
TINY_WIDTHS = (16, 32, 64, 128, 128)
VGG_WIDTHS = (64, 128, 256, 512, 512)


def age_net_features(images, widths: tuple[int, ...]):
    """Return the feature vector of a compressed VGG-16 with hybrid pooling.

    Thirteen 3x3 convolutions without bias, each followed by batch normalisation and ReLU; five 2x2
    max-poolings; then global average pooling (max then average: the paper's hybrid pooling).

    Args:
        images: (B, S, S, 3) normalised images.
        widths: channels of the five stages.

    Returns:
        (B, widths[-1]) features.
    """
    x = images
    for stage, (width, count) in enumerate(zip(widths, STAGE_CONVOLUTIONS, strict=True), 1):
        for k in range(1, count + 1):
            x = _convolution(x, width, f"stage{stage}_conv{k}")
        x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    return keras.layers.GlobalAveragePooling2D(name="hybrid_pooling")(x)


def _convolution(x, width: int, name: str):
    x = keras.layers.Conv2D(
        width, 3, padding="same", use_bias=False, kernel_initializer=_initializer(), name=name
    )(x)
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _initializer() -> keras.initializers.Initializer:
    # One for each layer: the same object gives two kernels of one shape the same values.
    # N(0, sqrt(2 / (k k n_out))): the paper scales by the fan out, untruncated.
    return keras.initializers.VarianceScaling(
        2.0, mode="fan_out", distribution="untruncated_normal"
    )


def vgg16_features(images):
    """Return the 4096 features of VGG-16 with its two fully connected layers: the baseline.

    Convolutions have biases and no batch normalisation, as VGG-16 was published (Simonyan and
    Zisserman 2015). With a 224 x 224 input and 101 labels the model has 134.7 M parameters.
    """
    x = images
    for stage, (width, count) in enumerate(zip(VGG_WIDTHS, STAGE_CONVOLUTIONS, strict=True), 1):
        for k in range(1, count + 1):
            x = keras.layers.Conv2D(
                width, 3, padding="same", activation="relu", kernel_initializer=_initializer(),
                name=f"stage{stage}_conv{k}",
            )(x)  # fmt: skip
        x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for name in ("fc6", "fc7"):
        x = keras.layers.Dense(4096, activation="relu", name=name)(x)
        x = keras.layers.Dropout(0.5, name=f"{name}_dropout")(x)
    return x


BACKBONES: dict[str, Callable] = {
    "tiny-age-net": lambda images: age_net_features(images, TINY_WIDTHS),
    "thin-age-net": lambda images: age_net_features(images, THIN_WIDTHS),
    "vgg16": vgg16_features,
}
