"""Models in a SavedModel, run by TensorFlow alone."""

import json
import os
from pathlib import Path

import numpy as np

from keras_dldl.errors import ModelFileError
from keras_dldl.runtime.card import ModelCard
from keras_dldl.runtime.card_files import SAVED_MODEL_CARD
from keras_dldl.runtime.network import Network


class SavedModelNetwork(Network):
    """A folder that `keras-dldl export --format saved-model` wrote.

    Args:
        folder: the one that holds `saved_model.pb`.

    Raises:
        ModelFileError: it is not such a folder.
    """

    def __init__(self, folder: Path):
        try:
            card = json.loads((folder / SAVED_MODEL_CARD).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelFileError(_foreign(folder, error)) from error
        super().__init__(ModelCard.from_dict(card, str(folder)), "saved-model", folder)
        import tensorflow as tf

        try:
            self._loaded = tf.saved_model.load(os.fspath(folder))  # signatures live no longer
            self._signature = self._loaded.signatures["images_float"]
        except (KeyError, OSError, ValueError) as error:
            raise ModelFileError(_foreign(folder, error)) from error

    def answer(self, faces: np.ndarray) -> np.ndarray:
        """Return the distributions, (B, K); see `Network.answer`."""
        import tensorflow as tf

        outputs = self._signature(images=tf.constant(faces, tf.float32))
        return outputs["distribution"].numpy()


def _foreign(folder: Path, why: Exception) -> str:
    return (
        "A SavedModel must be one that `keras-dldl export --format saved-model` wrote. "
        f"Received: {folder} ({str(why).strip() or type(why).__name__})"
    )
