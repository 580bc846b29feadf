"""What pre-training trains: a backbone, judged by whether it tells people apart."""

import logging
from pathlib import Path
from typing import Any

import keras
from keras import ops

from keras_dldl.data.people import People
from keras_dldl.data.people.pairs import draw_pairs
from keras_dldl.losses.margin_softmax import MarginSoftmax
from keras_dldl.models import IdentityModel
from keras_dldl.training.identities.classifier import IdentityClassifier
from keras_dldl.training.identities.config import PretrainConfig
from keras_dldl.training.optimizer import make_optimizer
from keras_dldl.training.warm_start import start_from

_LOGGER = logging.getLogger(__name__)


class IdentityLearner:
    """A backbone that learns to tell people apart; takes the place of `FaceLearner` in a run.

    Args:
        config: complete settings.
        people: the data.
        rows: number of class centres in a step.

    Attributes:
        metric: "error": in training the share of images taken for another of the step's people; in
            validation the share of pairs told wrongly.
        unit: none.
        part: how many images go through the network at once, a batch.
        trained: after `build`, the compiled `IdentityClassifier`.
    """

    metric = "error"
    unit = ""

    def __init__(self, config: PretrainConfig, people: People, rows: int) -> None:
        self.config = config
        self.people = people
        self.rows = rows
        self.part = config.batch_size
        self.embedder: Any = None
        self.trained: IdentityClassifier | None = None
        self.start_card: dict[str, Any] = {}

    def build(self, from_init: bool, epoch: int = 0) -> dict[str, Any]:
        """Make the model and compile it; see `FaceLearner.build`."""
        config = self.config
        self.embedder = IdentityModel(
            config.model,
            config.input_size,
            self.people.alignment,
            config.pooling,
            config.dropout,
            name=config.model.replace("-", "_").replace(":", "_"),
        )
        init = None
        if from_init:
            init, self.start_card = start_from(self.embedder, config)
        self.trained = self._classifier()
        facts = {"people": self.people.count, "class_centres_in_a_step": self.rows}
        facts |= {"class_centre_bytes": self.trained.table_bytes}
        _LOGGER.info(
            "%d people; %d class centres in a step of %d images; all centres, and what the "
            "optimizer keeps of them, take %.1f MB.",
            self.people.count, self.rows, config.batch_size, self.trained.table_bytes / 1e6,
        )  # fmt: skip
        return {"parameters": self.embedder.count_params(), "init": init, **facts}

    def begin_epoch(self, epoch: int) -> None:
        """Do nothing: all layers learn in all epochs."""

    def memory(self) -> None:
        """Return None: nothing is reckoned but the class centres, which `build` tells."""

    def _classifier(self) -> IdentityClassifier:
        config, split = self.config, self.config.validation_split
        trained = IdentityClassifier(
            self.embedder,
            self.people.count,
            self.rows,
            normalize=config.loss != "softmax",
            pairs=draw_pairs(self.people.rows(split)["label"].to_numpy()) if split else None,
        )
        trained.compile(
            optimizer=make_optimizer(config, trained.trainable_variables),
            loss=MarginSoftmax(config.loss, config.angle_margin, config.scale),
            metrics=[keras.metrics.MeanMetricWrapper(_misses, name=self.metric)],
            jit_compile=False,
        )
        trained.prepare()
        return trained

    def save(self, path: Path, row: dict[str, Any]) -> None:
        """Write the backbone as it is now; see `FaceLearner.save`."""
        facts = {"people": self.people.count, "images": len(self.people.rows("train"))}
        facts |= {"epoch": row["epoch"], "val_error": row.get("val_error")}
        self.embedder.card = {"pretraining": facts} if row["epoch"] else self.start_card
        self.embedder.save(path)


def _misses(y_true: Any, y_pred: Any) -> Any:
    found = ops.argmax(y_pred, axis=1)
    wanted = ops.cast(ops.reshape(y_true, (-1,)), found.dtype)
    return ops.cast(ops.not_equal(found, wanted), "float32")
