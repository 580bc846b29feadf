"""What pre-training trains: a backbone, judged by whether it recognises people; what feeds it."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_dldl.data.people import People
from keras_dldl.data.people.pairs import draw_pairs
from keras_dldl.data.sampling import epoch_order
from keras_dldl.losses.margin_softmax import MarginSoftmax
from keras_dldl.models import IdentityModel
from keras_dldl.training.identities.classifier import IdentityClassifier
from keras_dldl.training.identities.config import PretrainConfig
from keras_dldl.training.optimizer import make_optimizer
from keras_dldl.training.warm_start import start_from

_LOGGER = logging.getLogger(__name__)


class IdentityFeed:
    """Images of people through `tf.data`; see `training.feed.Feed`.

    Args:
        config: complete settings.
        people: the data.
    """

    def __init__(self, config: PretrainConfig, people: People) -> None:
        self.config = config
        self.people = people
        rows = people.rows("train")
        self._numbers, self._paths = rows["number"].to_numpy(), rows["path"].to_numpy()
        self._labels = rows["label"].to_numpy()
        self.images = len(rows)
        self.steps_per_epoch = math.ceil(self.images / config.batch_size)
        count = rows_of(people.count, config.share_of(people.count), config.batch_size)
        self.sampler = CentreSampler(people.count, count, config.seed)

    def training(self, epoch: int) -> Any:
        """Return an epoch's batches: (images, numbers of the centres), places of the people."""
        import tensorflow as tf

        from keras_dldl.data.augment import Augmentation
        from keras_dldl.data.people.pipeline import training_images

        config = self.config
        images = training_images(
            self.people.images,
            self._numbers,
            input_size=config.input_size,
            batch_size=config.batch_size,
            seed=config.seed,
            epoch=epoch,
            augment=Augmentation.from_config(dict(config.augment)),
        )
        labels = self._labels[self._order(epoch)]
        steps = tf.data.Dataset.from_generator(
            lambda: self.sampler.steps(labels, config.batch_size, epoch),
            output_signature=(
                tf.TensorSpec([self.sampler.rows], tf.int32),
                tf.TensorSpec([None], tf.int32),
            ),
        )
        batches = tf.data.Dataset.zip(images, steps)
        batches = batches.map(lambda images, step: ((images, step[0]), step[1]))
        return batches.apply(tf.data.experimental.assert_cardinality(self.steps_per_epoch))

    def validation(self) -> Any:
        """Return the batches of the validation images, in order."""
        from keras_dldl.data.people.pipeline import plain_images

        config = self.config
        numbers = self.people.rows(config.validation_split)["number"].to_numpy()
        return plain_images(self.people.images, numbers, config.input_size, config.batch_size)

    def paths(self, epoch: int, batch: int) -> list[str]:
        """Return the paths of one training batch."""
        first = batch * self.config.batch_size
        chosen = self._order(epoch)[first : first + self.config.batch_size]
        return self._paths[chosen].tolist()

    def _order(self, epoch: int) -> Any:
        return epoch_order(self.images, self.config.seed, epoch)


def rows_of(classes: int, share: float, batch_size: int) -> int:
    """Return how many centres a step looks at: the share asked for, and room for a batch's own.

    >>> rows_of(100_000, 0.1, 128), rows_of(100_000, 1e-4, 128), rows_of(50, 0.1, 128)
    (10000, 256, 50)
    """
    return min(classes, max(math.ceil(share * classes), 2 * batch_size))


@dataclass(frozen=True)
class CentreSampler:
    """Draws the centres of each step of an epoch (An et al. 2021/2022, "Partial FC").

    The centres of the batch's people are always among them. The others are a window that moves
    over a random order of all, so that in an epoch every centre comes about equally often, and a
    step's work does not depend on how many there are.

    Args:
        classes: number of people, N.
        rows: number of centres in a step, R.
        seed: another seed, other draws.
    """

    classes: int
    rows: int
    seed: int

    def steps(
        self, labels: np.ndarray, batch_size: int, epoch: int
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield for each batch the numbers of its centres and where among them its people stand.

        Args:
            labels: people of the epoch's images in their order, each 0 ... N - 1.
            batch_size: images in a batch.
            epoch: number of the epoch, from 0.

        Yields:
            (R,) int32, each number once; (B,) int32, 0 ... R - 1.
        """
        order = np.random.default_rng([abs(self.seed), epoch, 1]).permutation(self.classes)
        for step, first in enumerate(range(0, len(labels), batch_size)):
            own = labels[first : first + batch_size]
            window = order.take(
                np.arange(step * self.rows, (step + 1) * self.rows), mode="wrap"
            ).astype(np.int32)
            yield _with_own(window, own)


def _with_own(window: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put the batch's people into the window, in the place of others."""
    present = np.unique(own).astype(np.int32)
    missing = np.setdiff1d(present, window, assume_unique=True)
    free = np.flatnonzero(~np.isin(window, present))
    window = window.copy()
    window[free[: len(missing)]] = missing
    sorter = np.argsort(window)
    return window, sorter[np.searchsorted(window, own, sorter=sorter)].astype(np.int32)


class IdentityLearner:
    """A backbone that learns to tell people apart; takes the place of `FaceLearner` in a run.

    Args:
        config: complete settings.
        people: the data.
        rows: number of class centres in a step.

    Its metric, "error", is in training the share of images taken for another of the step's people,
    in validation the share of misjudged pairs.
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
            init, start = start_from(self.embedder, config)
            self.start_card = start.card if start else {}
        self.trained = self._classifier()
        facts = {"people": self.people.count, "class_centres_in_a_step": self.rows}
        facts |= {"class_centre_bytes": self.trained.table_bytes}
        _LOGGER.info(
            "%d people; %d class centres in a step of %d images; all centres, and what the "
            "optimizer keeps of them, take %.1f MB.",
            self.people.count,
            self.rows,
            config.batch_size,
            self.trained.table_bytes / 1e6,
        )
        return {"parameters": self.embedder.count_params(), "init": init, **facts}

    def begin_epoch(self, epoch: int) -> None:
        """Do nothing: all layers learn in all epochs."""

    def memory(self) -> None:
        """Return None: only the class centres are computed, which `build` reports."""

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
