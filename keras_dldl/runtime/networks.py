"""Networks in each engine: a `FaceModel` in Keras, an exported file, a SavedModel's folder."""

import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_dldl._utils.arguments import message_of
from keras_dldl._utils.backends import check_not_forked
from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.interpreters import LiteRTInterpreter, OnnxInterpreter
from keras_dldl.runtime.card import CARD_NAME, SAVED_MODEL_CARD, ModelCard, read_litert_card
from keras_dldl.runtime.network import Network

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel

ENGINE_OF = {".tflite": "litert", ".onnx": "onnx"}
BY_TENSORFLOW = "A SavedModel"
MOST_THREADS = 4  # more are no quicker for networks this small


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
        """Return the distributions, (B, K); see `Network.answer`."""
        from keras import ops

        check_not_forked()
        return ops.convert_to_numpy(self._network(faces.astype("float32"), training=False))

    def for_many(self) -> "KerasNetwork":
        """Return the network in its fast form; see `Network.for_many`."""
        return KerasNetwork(self.model, self.path, is_fast=True)

    def face_model(self) -> "FaceModel":
        """Return the model itself."""
        return self.model


class FileNetwork(Network):
    """A `.tflite` or `.onnx` file that `keras-dldl export` wrote; safe to use from several threads.

    Args:
        path: the file; its suffix gives the format.
        content: what the file holds, where that is known already.
        asked_for: the file that this one was made of.

    Raises:
        ModelFileError: the file is damaged, or does not describe itself.
        ConfigError: the engine for it is not installed.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path, content: bytes | None = None, asked_for: Path | None = None):
        content = path.read_bytes() if content is None else content
        engine = ENGINE_OF[path.suffix.lower()]
        threads = min(MOST_THREADS, os.cpu_count() or 1)
        try:
            if engine == "litert":
                card = read_litert_card(content)
                self._network = LiteRTInterpreter(content, threads)
            else:
                self._network = OnnxInterpreter(content, threads)
                card = json.loads(self._network.metadata[CARD_NAME])
        except (KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
            if isinstance(error, ConfigError):
                raise
            raise ModelFileError(
                "A model file must be one that `keras-dldl export` wrote. "
                f"Received: {path} ({message_of(error)})"
            ) from error
        super().__init__(ModelCard.from_dict(card, str(path)), engine, asked_for or path)

    def answer(self, faces: np.ndarray) -> np.ndarray:
        """Return the distributions, (B, K); see `Network.answer`."""
        batch = np.ascontiguousarray(faces, self._network.input_dtype)
        return self._network(batch)["distribution"]


class SavedModelNetwork(Network):
    """A folder that `keras-dldl export --format saved-model` wrote.

    Args:
        folder: the one that holds `saved_model.pb`.

    Raises:
        ModelFileError: it is not such a folder.
        ConfigError: the process was forked after TensorFlow was loaded.
    """

    def __init__(self, folder: Path):
        try:
            card = json.loads((folder / SAVED_MODEL_CARD).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelFileError(_foreign(folder, error)) from error
        super().__init__(ModelCard.from_dict(card, str(folder)), "saved-model", folder)
        check_not_forked(BY_TENSORFLOW)
        import tensorflow as tf

        try:
            self._loaded = tf.saved_model.load(os.fspath(folder))  # signatures live no longer
            self._signature = self._loaded.signatures["images_float"]
        except (KeyError, OSError, ValueError) as error:
            raise ModelFileError(_foreign(folder, error)) from error

    def answer(self, faces: np.ndarray) -> np.ndarray:
        """Return the distributions, (B, K); see `Network.answer`."""
        import tensorflow as tf

        check_not_forked(BY_TENSORFLOW)
        outputs = self._signature(images=tf.constant(faces, tf.float32))
        return outputs["distribution"].numpy()


def _foreign(folder: Path, why: Exception) -> str:
    return (
        "A SavedModel must be one that `keras-dldl export --format saved-model` wrote. "
        f"Received: {folder} ({str(why).strip() or type(why).__name__})"
    )
