"""Models in Keras, on any of its back ends."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_dldl.runtime.card import ModelCard
from keras_dldl.runtime.network import Network

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel


class KerasNetwork(Network):
    """A `FaceModel`.

    Args:
        model: the model.
        path: the file it was loaded from.
        is_fast: answer by its `fast_network`, which takes a second to make and has the weights of
            now.
    """

    def __init__(self, model: "FaceModel", path: Path | None = None, is_fast: bool = False):
        from keras_dldl.models import fast_network

        super().__init__(ModelCard.of_model(model), "keras", path)
        self.model = model
        self._network = fast_network(model) if is_fast else model

    def answer(self, faces: np.ndarray) -> np.ndarray:
        """Return the distributions, (B, K); see `Network.answer`.

        Raises:
            ConfigError: the process was forked after TensorFlow was loaded.
        """
        from keras import ops

        from keras_dldl._utils.backends import check_not_forked

        check_not_forked()
        return ops.convert_to_numpy(self._network(faces.astype("float32"), training=False))

    def for_many(self) -> "KerasNetwork":
        """Return the network in its fast form; see `Network.for_many`."""
        return KerasNetwork(self.model, self.path, is_fast=True)

    def face_model(self) -> "FaceModel":
        """Return the model itself."""
        return self.model
