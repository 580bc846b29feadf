"""From the settings to a Keras optimizer, and to the learning rate of each of its steps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class LearningRate:
    """The learning rate over a run (Gao et al. 2018: divided by 10 every 30 epochs).

    It depends on nothing but the step's number, so a resumed run needs no state of it.

    Attributes:
        config: names the schedule and its numbers.
        steps_per_epoch: steps of one epoch, at least 1.

    >>> rate = LearningRate(RunConfig(), steps_per_epoch=10)
    >>> rate.at(0), rate.at(299), round(rate.at(300), 9)
    (0.001, 0.001, 0.0001)
    """

    config: RunConfig
    steps_per_epoch: int

    def at(self, step: int) -> float:
        """Return the learning rate of `step`, counted from 0 over the run."""
        warm_steps = round(self.config.warmup_epochs * self.steps_per_epoch)
        if step < warm_steps:
            return self.config.learning_rate * (step + 1) / warm_steps
        if self.config.schedule == "cosine":
            step, steps = self._place_in_cycle(step, warm_steps)
            # The last step gets the final value, hence steps - 1.
            share = min(1.0, step / max(1, steps - 1))
            low, high = self.config.final_learning_rate, self.config.learning_rate
            return low + (high - low) * 0.5 * (1 + math.cos(math.pi * share))
        if self.config.schedule == "step":
            drops = step // self.steps_per_epoch // self.config.decay_epochs
            return self.config.learning_rate * self.config.decay_factor**drops
        return self.config.learning_rate

    def _place_in_cycle(self, step: int, warm_steps: int) -> tuple[int, int]:
        """Return the step within the cosine, and the steps of the cosine."""
        if self.config.restart_epochs is None:
            return step - warm_steps, self.config.epochs * self.steps_per_epoch - warm_steps
        # Cycles are counted from the run's beginning, so that they end with whole epochs.
        cycle = self.config.restart_epochs * self.steps_per_epoch
        if step < cycle:  # the first, which the warm-up shortens
            return step - warm_steps, cycle - warm_steps
        return step % cycle, cycle
