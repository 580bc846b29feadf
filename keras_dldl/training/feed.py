"""What feeds a run: batches to learn from and to be judged on, by `tf.data` or from memory."""

import math
from functools import cached_property
from typing import Any, Protocol

import keras
import numpy as np

from keras_dldl._utils.backends import compiled, is_installed, to_device
from keras_dldl.data.arrays import FaceArrays, check_memory, open_arrays
from keras_dldl.data.augment import Augmentation
from keras_dldl.data.augment.draws import draw_on_host
from keras_dldl.data.augment.layer import FaceAugmentation
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.sampling import Sampling, epoch_order, make_sampling
from keras_dldl.errors import ConfigError
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


def sampling_of(config: TrainConfig, data: PreparedData) -> Sampling | None:
    """Return how often each training image comes in an epoch of `config`; None: once."""
    labels, weights = data.rows("train")["label"].to_numpy(), None
    if config.image_weights is not None:
        from keras_dldl.data.sampling import read_image_weights

        weights = read_image_weights(config.image_weights, data)
    origins = None if config.data_sampling == "natural" else data.origins("train")
    return make_sampling(
        config.sampling,
        labels,
        data.grid,
        config.sampling_beta,
        weights,
        origins=origins,
        by_origin=config.data_sampling,
    )


class PreparedFeed:
    """What feeds of prepared data have in common.

    Args:
        config: complete settings.
        data: the prepared data.
        places: the devices and processes that share each batch.
    """

    def __init__(
        self, config: TrainConfig, data: PreparedData, places: Places = ONE_DEVICE
    ) -> None:
        self.config = config
        self.data = data
        self.places = places
        self.sampling = sampling_of(config, data)
        self.images = len(data.rows("train"))
        self.steps_per_epoch = math.ceil(places.trimmed(self.images) / config.batch_size)


class TensorFlowFeed(PreparedFeed):
    """Prepared data through `tf.data`, in one process; see `Feed`."""

    def training(self, epoch: int) -> Any:
        """Return an epoch's shuffled, augmented batches."""
        from keras_dldl.data.pipeline import training_dataset

        augment = Augmentation.from_config(dict(self.config.augment))
        config = self.config
        batches = training_dataset(
            self.data,
            input_size=config.input_size,
            batch_size=config.batch_size,
            seed=config.seed,
            epoch=epoch,
            augment=augment,
            sampling=self.sampling,
        )
        if self.places.devices == 1:
            return batches
        from keras_dldl.data.pipeline import trimmed

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
        from keras_dldl.data.pipeline import filled

        return filled(batches, len(self.data.rows(split)), self.places.devices)

    def paths(self, epoch: int, batch: int) -> list[str]:
        """Return the paths of one training batch."""
        from keras_dldl.data.pipeline import batch_paths

        config = self.config
        return batch_paths(
            self.data,
            batch_size=config.batch_size,
            seed=config.seed,
            epoch=epoch,
            batch_index=batch,
            sampling=self.sampling,
        )


class MemoryFeed(PreparedFeed):
    """Prepared data as arrays; see `Feed`.

    The order of an epoch is that of `tf.data`; the augmentations are drawn from the same ranges,
    but are others. Both are functions of seed, epoch and batch alone, so that they do not depend on
    how many devices and processes share a batch.
    """

    def __init__(
        self, config: TrainConfig, data: PreparedData, places: Places = ONE_DEVICE
    ) -> None:
        super().__init__(config, data, places)
        for split in ("train", config.validation_split):
            if split is not None:
                check_memory(data, split, config.input_size)

    @cached_property
    def faces(self) -> FaceArrays:
        """The faces to learn from, loaded when they are first asked for."""
        return open_arrays(self.data, "train", self.config.input_size)

    @cached_property
    def augmenter(self) -> "Augmenter":
        """What makes batches of them."""
        return Augmenter(self.faces, Augmentation.from_config(dict(self.config.augment)))

    def training(self, epoch: int) -> "TrainingBatches":
        """Return an epoch's shuffled, augmented batches."""
        return TrainingBatches(self, epoch)

    def validation(self) -> "ValidationBatches":
        """Return the validation split, as it is."""
        split, size = self.config.validation_split, self.config.input_size
        return ValidationBatches(open_arrays(self.data, split, size), self.config, self.places)

    def paths(self, epoch: int, batch: int) -> list[str]:
        """Return the paths of one training batch."""
        first = batch * self.config.batch_size
        return self.faces.paths[self.order(epoch)[first : first + self.config.batch_size]].tolist()

    def order(self, epoch: int) -> np.ndarray:
        """Return the indices of an epoch's faces, shared by all devices and processes."""
        order = epoch_order(self.images, self.config.seed, epoch, self.sampling)
        return order[: self.places.trimmed(self.images)]


class TrainingBatches(keras.utils.PyDataset):
    """One epoch of a `MemoryFeed`: of each batch the share of this process."""

    def __init__(self, feed: MemoryFeed, epoch: int):
        super().__init__()
        self.feed, self.epoch = feed, epoch
        self.order = feed.order(epoch)

    def __len__(self) -> int:
        return self.feed.steps_per_epoch

    def __getitem__(self, batch: int) -> tuple[Any, np.ndarray]:
        if batch >= len(self):
            raise IndexError(batch)
        config = self.feed.config
        indices = self.order[batch * config.batch_size :][: config.batch_size]
        rng = np.random.default_rng([config.seed, self.epoch, batch])
        draws = draw_on_host(self.feed.augmenter.augmentation, len(indices), rng)
        return self.feed.augmenter(indices, draws, self.feed.places.share(len(indices)))


class ValidationBatches(keras.utils.PyDataset):
    """The faces of a split in order; with weights where batches must be filled up.

    Every device needs equally many faces. The last batch is filled up with faces of weight 0; the
    others weigh a little more than 1, as Keras divides a loss by the faces and not their weights.
    """

    def __init__(self, faces: FaceArrays, config: TrainConfig, places: Places):
        super().__init__()
        self.faces, self.places, self.batch_size = faces, places, config.batch_size
        self.filled = places.filled(len(faces))

    def __len__(self) -> int:
        return math.ceil(self.filled / self.batch_size)

    def __getitem__(self, batch: int) -> tuple:
        if batch >= len(self):
            raise IndexError(batch)
        first = batch * self.batch_size
        indices = np.arange(first, min(first + self.batch_size, self.filled))
        indices = indices[self.places.share(len(indices))]
        real = indices < len(self.faces)
        rows = np.where(real, indices, 0)
        faces = self.faces.images[rows].astype(np.float32), self.faces.targets[rows]
        if self.filled == len(self.faces):
            return faces
        return (*faces, np.float32(real) * np.float32(self.filled / len(self.faces)))


class Augmenter:
    """Takes faces and augments them on the device, which holds all of them where they fit."""

    def __init__(self, faces: FaceArrays, augmentation: Augmentation):
        self.faces, self.augmentation = faces, augmentation
        self._images = to_device(faces.images)
        self._resident = self._images is not faces.images
        self._layer = FaceAugmentation(augmentation)
        self._augment = compiled(self._taken if self._resident else self._layer.apply)

    def __call__(
        self, indices: np.ndarray, draws: dict[str, np.ndarray], share: slice
    ) -> tuple[Any, np.ndarray]:
        """Return images and targets of a share of a batch."""
        chosen = np.arange(len(indices))[share]
        if self.augmentation.mixup:
            # With the one behind it, which may be another process's, the last with the first.
            chosen = np.append(chosen, (chosen[-1] + 1) % len(indices))
        rows, draws = indices[chosen], {name: values[chosen] for name, values in draws.items()}
        if self._resident:
            images = self._augment(self._images, rows.astype(np.int32), draws)
        else:
            images = self._augment(self._images[rows], draws)
        targets = self.faces.targets[rows]
        if self.augmentation.mixup:
            return mixed(images, targets, draws["mixup"])
        return images, targets

    def _taken(self, images: Any, rows: Any, draws: dict[str, Any]) -> Any:
        return self._layer.apply(keras.ops.take(images, rows, axis=0), draws)


def mixed(images: Any, targets: np.ndarray, weights: np.ndarray) -> tuple[Any, np.ndarray]:
    """Mix each face but the last with the one behind it, images and targets, see `mixing.mix`.

    Args:
        images: (B + 1, S, S, 3) float32.
        targets: (B + 1, 2) label, sigma.
        weights: (B + 1,) of the face itself.
    """
    share = weights[:-1, None, None, None]
    images = images[1:] + (images[:-1] - images[1:]) * share
    return images, np.concatenate([targets[:-1], targets[1:], weights[:-1, None]], axis=1)


def make_feed(config: TrainConfig, data: PreparedData, places: Places = ONE_DEVICE) -> Feed:
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
