"""What all networks have in common: a card, and label distributions for faces."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.runtime.card import ModelCard
from keras_dldl.saved_models import holds_keras, name_of

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel


class Network(ABC):
    """A model that is ready to answer, whatever runs it.

    For a runtime of your own write a subclass with an `answer`, and pass an object of it wherever
    a model is asked for.

    Args:
        card: what the model says of itself.
        engine: what runs it: "keras", "litert", "onnx", "saved-model", or a name of your own.
        path: the file or folder it was opened from.
    """

    def __init__(self, card: ModelCard, engine: str, path: Path | None = None):
        self.card = card
        self.engine = engine
        self.path = path

    @property
    def name(self) -> str:
        """The name of a shipped model, the file of another one, or the loaded model's own name."""
        return self.card.name if self.path is None else name_of(self.path)

    @abstractmethod
    def answer(self, faces: np.ndarray) -> np.ndarray:
        """Return the distributions, (B, K), of a batch as it is, without its mirror images.

        Args:
            faces: (B, S, S, 3) RGB, 0 ... 255, uint8 or float32, S the card's `input_size`.
        """

    def views(self, faces: np.ndarray, batch_size: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """Return the distributions of images and of their mirror images.

        A network that averages both itself gives that average as either.

        Args:
            faces: (N, S, S, 3) RGB, 0 ... 255, uint8 or float32.
            batch_size: faces in one pass.

        Returns:
            Two (N, K) float32 arrays.
        """
        image = self._in_batches(faces, batch_size)
        if self.card.mirror_averaged:
            return image, image
        return image, self._in_batches(faces[:, :, ::-1], batch_size)

    def distributions(self, faces: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """Return the distributions of faces, (N, K) float64: the mean of both `views`."""
        return mean_of_views(*self.views(faces, batch_size))

    def for_many(self) -> "Network":
        """Return a network that gives the same, and is quicker where many faces are to come."""
        return self

    def face_model(self) -> "FaceModel":
        """Return the model in Keras, for what only Keras can do, such as attention maps.

        Raises:
            ConfigError: it was not opened from a file that holds the Keras model.
        """
        path = self.path
        if path is None or not (path.suffix.lower() == ".keras" or holds_keras(path)):
            raise ConfigError(
                "Attention maps come from inside the network, which an export does not show: give "
                f"the .keras file of the model instead. Received: {path or self.name}"
            )
        from keras_dldl.models import load_model

        return load_model(path)

    def _in_batches(self, faces: np.ndarray, batch_size: int) -> np.ndarray:
        found = [np.empty((0, self.card.grid.size), np.float32)]
        for first in range(0, len(faces), batch_size):
            found.append(self.answer(faces[first : first + batch_size]))
        return np.concatenate(found)


def mean_of_views(image: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Return the mean of the distributions of images and of their mirror images, float64.

    The paper averages the values of both (Gao et al. 2020, section 5.1); as the expectation is
    linear, that is the expectation of the averaged distribution. The median is not linear: for
    ranking methods, too, the distributions are averaged and then decoded.
    """
    return (image.astype(np.float64) + mirror) / 2


def check_numbers(distributions: np.ndarray, name: str) -> np.ndarray:
    """Return what the network of this name gave, once it is clear that it is numbers.

    Raises:
        ModelFileError: it is NaN or infinite.
    """
    if not np.isfinite(distributions).all():
        raise ModelFileError(
            "The model must give probabilities. Its weights are damaged: train it again. "
            f"Received: NaN or infinite outputs from the model {name}"
        )
    return distributions
