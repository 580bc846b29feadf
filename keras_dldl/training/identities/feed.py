"""What feeds pre-training: images, the class centres of each step, and where their people stand."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_dldl.data.people import People
from keras_dldl.training.identities.config import PretrainConfig


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
        from keras_dldl.data.sampling import epoch_order

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
