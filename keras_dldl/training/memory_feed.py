"""Faces in memory and augmentation by Keras: what feeds a run where TensorFlow does not."""

import math
from functools import cached_property
from typing import Any

import keras
import numpy as np

from keras_dldl._utils.backends import compiled, to_device
from keras_dldl.data.arrays import FaceArrays, check_memory, open_arrays
from keras_dldl.data.augment import Augmentation
from keras_dldl.data.augment.host_draws import draw_on_host
from keras_dldl.data.augment.layer import FaceAugmentation
from keras_dldl.data.sampling import epoch_order
from keras_dldl.training.build import sampling_of
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.devices import ONE_DEVICE, Places


class MemoryFeed:
    """Prepared data as arrays; see `Feed`.

    The order of an epoch is that of `tf.data`; the augmentations are drawn from the same ranges,
    but are others. Both are functions of seed, epoch and batch alone, so that they do not depend on
    how many devices and processes share a batch.

    Args:
        config: complete settings.
        data: the prepared data.
        places: the devices and processes that share each batch.
    """

    def __init__(self, config: TrainConfig, data: Any, places: Places = ONE_DEVICE) -> None:
        self.config = config
        self.data = data
        self.places = places
        self.sampling = sampling_of(config, data)
        self.images = len(data.rows("train"))
        self.steps_per_epoch = math.ceil(places.trimmed(self.images) / config.batch_size)
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
