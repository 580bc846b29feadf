"""NanoAgeNet: a network of under 100 thousand parameters, for phones and browsers."""

import keras

# Channels of the plain convolutions, stage by stage, a 2x2 max-pooling between stages; then of the
# separable ones. Few channels where the maps are large and time is spent, many where they are small
# and parameters are.
PLAIN_STAGES = ((16, 24), (32, 32), (64,))
SEPARABLE_WIDTHS = (64, 104)
SEPARABLE_BLOCKS = (3, 2)  # that add to what comes in, of each width


def nano_age_net_map(images):
    """Return the last feature map of NanoAgeNet.

    A VGG in small: 3x3 convolutions without bias, each with batch normalisation and ReLU, and 2x2
    max-pooling between stages; the first convolution takes every other pixel. From the third stage
    on, where maps are small and a plain kernel would take most of the parameters, convolutions are
    separable (a 3x3 kernel a channel, then 1x1 over the channels: Howard et al. 2017) and add to
    what comes in (He et al. 2016).

    Args:
        images: (B, S, S, 3) normalised images; it was designed for S = 64.

    Returns:
        (B, h, h, 104) features, h = ceil(S / 2) // 8.
    """
    x = images
    for stage, widths in enumerate(PLAIN_STAGES, 1):
        if stage > 1:
            x = keras.layers.MaxPooling2D(2, name=f"stage{stage - 1}_pool")(x)
        for k, width in enumerate(widths, 1):
            x = _convolution(x, width, f"stage{stage}_conv{k}", 2 if stage == k == 1 else 1)
    small, wide = SEPARABLE_WIDTHS
    for k in range(1, SEPARABLE_BLOCKS[0] + 1):
        x = _residual(x, small, f"stage3_block{k}")
    x = keras.layers.MaxPooling2D(2, name="stage3_pool")(x)
    x = _separable(x, wide, "stage4_widen")
    for k in range(1, SEPARABLE_BLOCKS[1] + 1):
        x = _residual(x, wide, f"stage4_block{k}")
    return x


def _convolution(x, width: int, name: str, strides: int = 1):
    x = keras.layers.Conv2D(
        width, 3, strides, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)
    return _normalised(x, name)


def _separable(x, width: int, name: str):
    x = keras.layers.DepthwiseConv2D(
        3, padding="same", use_bias=False, depthwise_initializer="he_normal", name=f"{name}_depth"
    )(x)
    x = keras.layers.Conv2D(
        width, 1, use_bias=False, kernel_initializer="he_normal", name=f"{name}_point"
    )(x)
    return _normalised(x, name)


def _residual(x, width: int, name: str):
    return keras.layers.Add(name=f"{name}_add")([x, _separable(x, width, name)])


def _normalised(x, name: str):
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)
