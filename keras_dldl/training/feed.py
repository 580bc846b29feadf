"""What feeds a run: batches to learn from and to be judged on, whatever makes them."""

import math
from typing import Any, Protocol

from keras_dldl._utils.backends import is_installed
from keras_dldl.errors import ConfigError
from keras_dldl.training.build import sampling_of
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.devices import ONE_DEVICE, Places


class Feed(Protocol):
    """What `Run` asks of its data, and no more; another feed takes this one's place whole.

    What an epoch brings is a function of the seed and the epoch's number alone, so that a run that
    goes on sees what it would have seen without the stop.

    Attributes:
        images: how many images an epoch has.
        steps_per_epoch: how many batches `training` gives.
    """

    images: int
    steps_per_epoch: int

    def training(self, epoch: int) -> Any:
        """Return the batches of an epoch, from 0, as anything `keras.Model.fit` takes.

        Each is (B, S, S, 3) float32 images in 0 ... 255, and targets as the run's loss takes them.
        """

    def validation(self) -> Any:
        """Return the batches of the validation split, as anything `evaluate` takes."""

    def paths(self, epoch: int, batch: int) -> list[str]:
        """Return the manifest's paths of the images in one batch of `training(epoch)`, from 0."""


class TensorFlowFeed:
    """Prepared data through `tf.data`; see `Feed`.

    Args:
        config: complete settings.
        data: the prepared data.
        places: the devices of this process that share each batch.
    """

    def __init__(self, config: TrainConfig, data: Any, places: Places = ONE_DEVICE) -> None:
        self.config = config
        self.data = data
        self.places = places
        self.images = len(data.rows("train"))
        self.steps_per_epoch = math.ceil(places.trimmed(self.images) / config.batch_size)
        self.sampling = sampling_of(config, data)

    def training(self, epoch: int) -> Any:
        """Return an epoch's shuffled, augmented batches."""
        from keras_dldl.data.augment import Augmentation
        from keras_dldl.data.pipeline import training_dataset

        augment = Augmentation.from_config(dict(self.config.augment))
        config = self.config
        batches = training_dataset(
            self.data, input_size=config.input_size, batch_size=config.batch_size,
            seed=config.seed, epoch=epoch, augment=augment, sampling=self.sampling,
        )  # fmt: skip
        if self.places.devices == 1:
            return batches
        from keras_dldl.data.shared_batches import trimmed

        return trimmed(batches, self.images, self.config.batch_size, self.places.devices)

    def validation(self) -> Any:
        """Return the validation split, as it is."""
        from keras_dldl.data.pipeline import evaluation_dataset

        split = self.config.validation_split
        batches = evaluation_dataset(
            self.data, split, input_size=self.config.input_size, batch_size=self.config.batch_size
        )
        if self.places.devices == 1:
            return batches
        from keras_dldl.data.shared_batches import filled

        return filled(batches, len(self.data.rows(split)), self.places.devices)

    def paths(self, epoch: int, batch: int) -> list[str]:
        """Return the paths of one training batch."""
        from keras_dldl.data.pipeline import batch_paths

        config = self.config
        return batch_paths(
            self.data, batch_size=config.batch_size, seed=config.seed, epoch=epoch,
            batch_index=batch, sampling=self.sampling,
        )  # fmt: skip


def make_feed(config: TrainConfig, data: Any, places: Places = ONE_DEVICE) -> Feed:
    """Return what feeds a run of `config` from prepared data.

    Args:
        config: complete settings; `feed` says which kind.
        data: the prepared data.
        places: the devices and processes that share each batch.

    Raises:
        ConfigError: a value of `sigma_by_data` is no width.
    """
    if config.sigma_growth or config.sigma_by_data:
        data = data.with_sigma(config.sigma, config.sigma_growth, config.sigma_by_data)
    if config.feed == "memory":
        from keras_dldl.training.memory_feed import MemoryFeed

        return MemoryFeed(config, data, places)
    return TensorFlowFeed(config, data, places)


def choose_feed(config: TrainConfig, processes: int = 1) -> str:
    """Return the kind of feed that "auto" means here, or else the one that is set.

    Raises:
        ConfigError: it needs TensorFlow, which is not installed, or is not for several processes.
    """
    if config.feed == "auto":
        return "tf-data" if processes == 1 and is_installed("tensorflow") else "memory"
    if config.feed == "tf-data" and processes > 1:
        raise ConfigError(
            "Several processes are fed from memory: set feed=memory or auto. "
            "Received: feed='tf-data'."
        )
    if config.feed == "tf-data" and not is_installed("tensorflow"):
        raise ConfigError(
            "The feed tf-data needs TensorFlow: pip install tensorflow. Allowed without: "
            "feed=memory. Received: feed='tf-data'."
        )
    return config.feed
