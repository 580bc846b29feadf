"""Heads: what stands between a backbone's features and the predictions."""

from typing import Any

import keras


def distribution_head(features: Any, size: int, name: str = "logits") -> tuple[Any, Any]:
    """Put a linear layer and a softmax on `features` (Gao et al. 2018/2020, section 3).

    Both compute in float32 under any dtype policy: half precision would round small
    probabilities to 0. The bias starts at zero.

    Args:
        features: symbolic tensor (B, C).
        size: number of labels, K.
        name: name of the linear layer. The softmax is called "probabilities", or
            "<name>_probabilities" beside a name of your own.

    Returns:
        `(logits, probabilities)`, symbolic tensors (B, K), float32.
    """
    logits = keras.layers.Dense(size, bias_initializer="zeros", dtype="float32", name=name)(
        features
    )
    softmax_name = "probabilities" if name == "logits" else f"{name}_probabilities"
    softmax = keras.layers.Activation("softmax", dtype="float32", name=softmax_name)
    return logits, softmax(logits)
