"""The learning rate of each step, a plain function of the step's number."""

import math
from dataclasses import dataclass

from keras_dldl.training.config import RunConfig


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
        """Return the learning rate of `step`, counted from 0 over the whole run."""
        warm_steps = round(self.config.warmup_epochs * self.steps_per_epoch)
        if step < warm_steps:
            return self.config.learning_rate * (step + 1) / warm_steps
        if self.config.schedule == "cosine":
            return self._cosine(*self._place_in_cycle(step, warm_steps))
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

    def _cosine(self, step: int, steps: int) -> float:
        # The last step gets the final value, hence steps - 1.
        share = min(1.0, step / max(1, steps - 1))
        low, high = self.config.final_learning_rate, self.config.learning_rate
        return low + (high - low) * 0.5 * (1 + math.cos(math.pi * share))
