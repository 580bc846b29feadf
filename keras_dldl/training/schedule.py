"""The learning rate of each step, a plain function of the step's number."""

import math
from dataclasses import dataclass

from keras_dldl.training.config import TrainConfig


@dataclass(frozen=True)
class LearningRate:
    """The learning rate over a run (Gao et al. 2018: divided by 10 every 30 epochs).

    It depends on nothing but the step's number, so a resumed run needs no state of it.

    Attributes:
        config: names the schedule and its numbers.
        steps_per_epoch: steps of one epoch, at least 1.

    >>> rate = LearningRate(TrainConfig(), steps_per_epoch=10)
    >>> rate.at(0), rate.at(299), round(rate.at(300), 9)
    (0.001, 0.001, 0.0001)
    """

    config: TrainConfig
    steps_per_epoch: int

    def at(self, step: int) -> float:
        """Return the learning rate of `step`, counted from 0 over the whole run."""
        warm_steps = round(self.config.warmup_epochs * self.steps_per_epoch)
        if step < warm_steps:
            return self.config.learning_rate * (step + 1) / warm_steps
        if self.config.schedule == "cosine":
            return self._cosine(step - warm_steps, self._total_steps() - warm_steps)
        if self.config.schedule == "step":
            drops = step // self.steps_per_epoch // self.config.decay_epochs
            return self.config.learning_rate * self.config.decay_factor**drops
        return self.config.learning_rate

    def _total_steps(self) -> int:
        return self.config.epochs * self.steps_per_epoch

    def _cosine(self, step: int, steps: int) -> float:
        # The last step gets the final value, hence steps - 1.
        share = min(1.0, step / max(1, steps - 1))
        low, high = self.config.final_learning_rate, self.config.learning_rate
        return low + (high - low) * 0.5 * (1 + math.cos(math.pi * share))
