"""What a run trains: the model in the file, and the compiled one that shares its weights."""

import contextlib
import logging
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import keras

from keras_dldl._utils.backends import backend_name
from keras_dldl.data.leaks.fingerprints import training_images
from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid
from keras_dldl.methods import Method, find_method, get_method
from keras_dldl.methods.metric import MethodMAE
from keras_dldl.models import FaceModel, build_model
from keras_dldl.training.accumulation import in_parts
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.distillation import DistilledLoss, load_teachers
from keras_dldl.training.freezing import innermost_layers, is_frozen, set_frozen
from keras_dldl.training.fused_normalization import fuse_batch_normalization
from keras_dldl.training.memory import Memory, estimate
from keras_dldl.training.optimizer import make_optimizer
from keras_dldl.training.warm_start import start_from

_LOGGER = logging.getLogger(__name__)
# Options of the methods that have a setting of their own, and its name.
_METHOD_OPTIONS = {
    "sigma": "sigma",
    "expectation_weight": "expectation_weight",
    "kl_reduction": "kl_reduction",
    "norm": "expectation_norm",
}


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
        """Make ready for an epoch, from 0; it may compile the model again."""

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

    def __init__(self, config: TrainConfig, data: PreparedData, devices: int = 1) -> None:
        self.config = config
        self.data = data
        self.devices = devices
        self.unit = data.grid.unit
        self.part = math.ceil(config.batch_size / config.accumulate)
        self.face_model: FaceModel | None = None
        self.trained: keras.Model | None = None
        self._teachers: list[Any] = []
        self._frozen = False
        self.start_card: dict[str, Any] = {}
        self._start_calibration: Any = None

    @cached_property
    def _seen(self) -> dict[str, Any]:
        before = self.start_card.get("training_images")
        return training_images(self.data, before, from_start=self.config.init is not None)

    def build(self, from_init: bool, epoch: int = 0) -> dict[str, Any]:
        """Make the model and compile it; see `Learner.build`."""
        self.face_model = make_model(self.config, self.data)
        init = None
        if from_init:
            init, start = start_from(self.face_model, self.config)
            self._keep_what_is_said_of(start)
        self._teachers = load_teachers(self.config.teacher, self.face_model)
        self._compile(frozen=is_frozen(self.config, epoch))
        return {"parameters": self.face_model.count_params(), "init": init}

    def _keep_what_is_said_of(self, start: keras.Model | None) -> None:
        """Keep what the start model's file says of it, for as long as its weights stay."""
        self.start_card = start.card if start else {}
        self._start_calibration = calibration = getattr(start, "calibration", None)
        if calibration is not None and not _answer_alike(start, self.face_model):
            self._start_calibration = None
            _LOGGER.info(
                "The calibration of %s is left out: it is of another input size, alignment, "
                "method or pooling.",
                self.config.init,
            )

    def begin_epoch(self, epoch: int) -> None:
        """Have the layers learn that learn in this epoch, from 0.

        Where they are others than before, the optimizer starts again: its averages speak for the
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
                says, and has its calibration: it has learned nothing since.
        """
        facts = {"data": [os.path.basename(folder) for folder in self.config.data]}
        facts |= {"images": len(self.data.rows("train")), "epoch": row["epoch"]}
        facts |= {"val_mae": row.get("val_mae")}
        learned = {"training": facts, "training_images": self._seen}
        self.face_model.card = learned if row["epoch"] else self.start_card
        self.face_model.calibration = None if row["epoch"] else self._start_calibration
        self.face_model.save(path)


def _answer_alike(first: FaceModel, second: FaceModel) -> bool:
    """Tell whether two models give the same distributions for a photo, if their weights agree."""
    attributes = ("backbone_name", "grid", "input_size", "alignment", "pooling")
    same = all(getattr(first, name) == getattr(second, name) for name in attributes)
    return same and first.method.name == second.method.name


def make_method(config: TrainConfig) -> Method:
    """Return the method of `config`, given those of its settings that the method knows.

    Raises:
        ConfigError: there is no such method, or `method_options` has what it does not know.
    """
    defaults = find_method(config.method).option_defaults()
    options = {
        name: getattr(config, field) for name, field in _METHOD_OPTIONS.items() if name in defaults
    }
    for name, value in config.method_options.items():
        default = defaults.get(name)
        is_number = isinstance(default, (int, float)) and not isinstance(default, bool)
        if is_number and isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = float(value)  # YAML reads 1e-3, which has no dot, as text
        options[name] = value
    return get_method(config.method, **options)


def check_method(method: Method, data: PreparedData, splits: Sequence[str]) -> None:
    """Raise an error if `method` cannot be trained on `data`.

    Raises:
        ConfigError: an option of the method is out of range.
        DataError: the method needs what a row of one of `splits` lacks.
    """
    method.loss(data.grid)
    if not method.needs_sigma:
        return
    for split in splits:
        rows = data.rows(split)
        lacking = rows[~(rows["sigma"] >= 0)] if "sigma" in rows else rows
        if len(lacking):
            raise DataError(
                f"The method {method.name} needs a sigma for every image: a column `sigma` of the "
                f"manifest. Received: {len(lacking)} of {len(rows)} images of split {split!r} "
                f"without; the first: {lacking['path'].iloc[0]}"
            )


def make_grid(config: TrainConfig, data: PreparedData) -> LabelGrid:
    """Return the grid of the model: that of `data`, with the step of `config` if it has one.

    Raises:
        ConfigError: the step does not divide the range of the grid.
    """
    return replace(data.grid, step=config.label_step or data.grid.step)


def make_model(config: TrainConfig, data: PreparedData) -> FaceModel:
    """Return an untrained model of `config` for the labels and the alignment of `data`."""
    return build_model(
        config.model,
        make_grid(config, data),
        method=make_method(config),
        input_size=config.input_size,
        alignment=data.alignment,
        dropout=config.dropout,
        pooling=config.pooling,
    )


def make_trained(config: TrainConfig, face_model: FaceModel) -> keras.Model:
    """Return the compiled model up to the raw outputs that shares its weights with `face_model`."""
    grid = face_model.grid
    trained = in_parts(face_model.training_model(), config.accumulate)
    if backend_name() == "tensorflow":
        import tensorflow as tf

        for layer in innermost_layers(trained):
            if isinstance(layer, keras.layers.BatchNormalization) and tf.distribute.has_strategy():
                # Means over the whole batch; on JAX a batch is one whatever it is spread over. Not
                # saved: a model is built from its own arguments.
                layer.synchronized = True
        fuse_batch_normalization(trained)
    trained.compile(
        optimizer=make_optimizer(config, trained.trainable_variables, config.ema),
        loss=face_model.method.loss(grid),
        # Weighted, so that what fills a batch up to the number of devices counts nothing.
        weighted_metrics=[MethodMAE(face_model.method, grid)],
        jit_compile=backend_name() == "jax",
    )
    # Now and not at the first step, so that a checkpoint finds its variables.
    trained.optimizer.build(trained.trainable_variables)
    return trained
