"""What feeds pre-training: images, the class centres of each step, and where their people stand."""

import math
from typing import Any

from keras_dldl.data.people import People
from keras_dldl.training.identities.config import PretrainConfig
from keras_dldl.training.identities.sampling import CentreSampler, rows_of


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
