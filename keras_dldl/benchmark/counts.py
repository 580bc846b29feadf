"""The arithmetic of a model: multiplications with an addition, of one image."""

import math

import keras


def multiply_adds(model: keras.Model) -> int:
    """Return how many products the convolutions and linear layers of a model add up, an image.

    What else there is (normalisation, pooling, activations) is left out, as is usual.

    >>> from keras_dldl import LabelGrid, build_model
    >>> multiply_adds(build_model("tiny-age-net", LabelGrid.age(), input_size=224))
    975434368
    """
    return sum(_of_layer(layer) for layer in model._flatten_layers(include_self=False))


def _of_layer(layer: keras.layers.Layer) -> int:
    if isinstance(layer, keras.layers.SeparableConv2D):
        both = (layer.depthwise_kernel, layer.pointwise_kernel)
        return math.prod(layer.output.shape[1:3]) * sum(math.prod(one.shape) for one in both)
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
        return math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape)
    if isinstance(layer, keras.layers.Dense):
        return math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape)
    return 0
