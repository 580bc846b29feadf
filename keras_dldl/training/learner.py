"""What a run trains: the model in the file, and the compiled one that shares its weights."""

import logging
import math
import os
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import keras

from keras_dldl.data.leaks.seen import training_images
from keras_dldl.training.build import make_model, make_trained
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.distillation import DistilledLoss, load_teachers
from keras_dldl.training.freezing import (
    is_frozen,
    set_frozen,
)
from keras_dldl.training.memory import Memory, estimate
from keras_dldl.training.warm_start import start_from

_LOGGER = logging.getLogger(__name__)


class Learner(Protocol):
    """What `Run` asks of what it trains, and no more; another head, loss or metric is another one.

    Attributes:
        metric: name of the compiled metric by which the best epoch is chosen, the lower the better.
        unit: of that metric, such as "years", or "".
        part: how many images go through the network at once.
        trained: after `build`, the compiled model that is fitted and evaluated.
        start_card: what the file of the start model says; checkpoints keep it.
    """

    metric: str
    unit: str
    part: int
    trained: keras.Model | None
    start_card: dict[str, Any]

    def build(self, from_init: bool, epoch: int = 0) -> dict[str, Any]:
        """Make the model and compile it, as for `epoch`; return facts for the provenance.

        `from_init` is whether to start from the weights that the settings name.
        """

    def begin_epoch(self, epoch: int) -> None:
        """Make ready for an epoch, from 0; it may compile the model anew."""

    def memory(self) -> Memory | None:
        """Return what a step needs by estimate, if there is one."""

    def save(self, path: Path, row: dict[str, Any]) -> None:
        """Write the model as it is now to `path`; `row` is the history's of this epoch."""


class FaceLearner:
    """A face model that learns a label by its method; see `Learner`.

    Args:
        config: complete settings.
        data: the prepared data, for their grid and alignment.
        devices: how many share a batch, for the memory that one needs.
    """

    metric = "mae"

    def __init__(self, config: TrainConfig, data: Any, devices: int = 1) -> None:
        self.config = config
        self.data = data
        self.devices = devices
        self.unit = data.grid.unit
        self.part = math.ceil(config.batch_size / config.accumulate)
        self.face_model: Any = None
        self.trained: keras.Model | None = None
        self._teachers: list[Any] = []
        self._frozen = False
        self.start_card: dict[str, Any] = {}

    @cached_property
    def _seen(self) -> dict[str, Any]:
        before = self.start_card.get("training_images")
        return training_images(self.data, before, from_start=self.config.init is not None)

    def build(self, from_init: bool, epoch: int = 0) -> dict[str, Any]:
        """Make the model and compile it; see `Learner.build`."""
        self.face_model = make_model(self.config, self.data)
        init = None
        if from_init:
            init, self.start_card = start_from(self.face_model, self.config)
        self._teachers = load_teachers(self.config.teacher, self.face_model)
        self._compile(frozen=is_frozen(self.config, epoch))
        return {"parameters": self.face_model.count_params(), "init": init}

    def begin_epoch(self, epoch: int) -> None:
        """Have the layers learn that learn in this epoch, from 0.

        Where they are others than before, the optimizer begins anew: its averages speak for the
        layers that learned, and those that now join would take too long first steps.
        """
        frozen = is_frozen(self.config, epoch)
        if frozen != self._frozen:
            self._compile(frozen)
            _LOGGER.info("From epoch %d on all layers learn.", epoch + 1)

    def memory(self) -> Memory:
        """Return what a step needs by estimate, on one device."""
        config = self.config
        return estimate(self.trained, config.batch_size, config.accumulate, self.devices)

    def _compile(self, frozen: bool) -> None:
        if self.config.freeze:
            names = set_frozen(self.face_model, self.config.freeze, frozen)
            if frozen:
                _LOGGER.info("Frozen: %s, %d layers.", ", ".join(self.config.freeze), len(names))
        self._frozen = frozen
        self.trained = make_trained(self.config, self.face_model)
        if self._teachers:
            self.trained.compute_loss = DistilledLoss(
                self.trained, self.face_model, self._teachers, self.config.teacher_weight
            )

    def save(self, path: Path, row: dict[str, Any]) -> None:
        """Write the model as it is now.

        Args:
            path: a `.keras` file, which is not atomic here.
            row: the history's row of this epoch. Of epoch 0 the file says what the start model's
                says: it has learned nothing since.
        """
        facts = {"data": [os.path.basename(folder) for folder in self.config.data]}
        facts |= {"images": len(self.data.rows("train")), "epoch": row["epoch"]}
        facts |= {"val_mae": row.get("val_mae")}
        learned = {"training": facts, "training_images": self._seen}
        self.face_model.card = learned if row["epoch"] else self.start_card
        self.face_model.save(path)
