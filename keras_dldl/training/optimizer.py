"""From the settings to a Keras optimizer."""

from collections.abc import Sequence
from typing import Any

from keras_dldl.training.config import RunConfig


def make_optimizer(config: RunConfig, variables: Sequence[Any], ema: float | None = None) -> Any:
    """Return the optimizer of `config`.

    Weight decay is decoupled from the gradient for every kind, and spares vectors and scalars
    (biases, batch normalisation), which gain nothing from being small.

    Args:
        config: the settings.
        variables: trainable variables of the model; those of one axis are spared the decay.
        ema: decay of an average of the weights that the optimizer keeps; None: it keeps none.
    """
    import keras

    common = {
        "learning_rate": config.learning_rate,
        "weight_decay": config.weight_decay or None,
        "global_clipnorm": config.gradient_clip_norm,
    }
    if ema is not None:
        common |= {"use_ema": True, "ema_momentum": ema}
    betas = {"beta_1": config.beta_1, "beta_2": config.beta_2}
    kinds = {
        "adam": (keras.optimizers.Adam, {**betas, "epsilon": config.epsilon}),
        "adamw": (keras.optimizers.AdamW, {**betas, "epsilon": config.epsilon}),
        "lamb": (keras.optimizers.Lamb, {**betas, "epsilon": config.epsilon}),
        "lion": (keras.optimizers.Lion, betas),
        "sgd": (keras.optimizers.SGD, {"momentum": config.momentum}),
    }
    kind, own = kinds[config.optimizer]
    optimizer = kind(**own, **common)
    if config.weight_decay:
        optimizer.exclude_from_weight_decay(var_list=[v for v in variables if len(v.shape) < 2])
    return optimizer
