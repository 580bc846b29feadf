"""A model from one LiteRT or ONNX file, with the part of `FaceModel` that prediction needs."""

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl.calibration import Calibration
from keras_dldl.errors import ModelFileError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import LabelGrid
from keras_dldl.light.card import CARD_FILE, CARD_NAME, KERAS_FILE, MethodNote, ModelCard
from keras_dldl.runtimes.litert import LiteRTNetwork
from keras_dldl.runtimes.onnx import OnnxNetwork

SUFFIXES = {".tflite": "litert", ".onnx": "onnx"}
MOST_THREADS = 4  # more are no quicker for networks this small
Network = Callable[[np.ndarray], dict[str, np.ndarray]]


class LightModel:
    """A network outside of TensorFlow and what it says of itself; safe to use from several threads.

    Args:
        card: what the model says of itself.
        network: images -> outputs by name, among them `distribution`; with `input_dtype`.
        engine: "litert" or "onnx".
    """

    def __init__(self, card: ModelCard, network: Network, engine: str):
        self.card = card
        self.engine = engine
        self._network = network

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.card.name

    @property
    def grid(self) -> LabelGrid:
        """The label grid."""
        return self.card.grid

    @property
    def task(self) -> str:
        """The task of the label grid."""
        return self.card.grid.task

    @property
    def method(self) -> MethodNote:
        """The method, with its decoder."""
        return self.card.method

    @property
    def input_size(self) -> int:
        """Side of the input in pixels."""
        return self.card.input_size

    @property
    def alignment(self) -> Alignment:
        """How faces are cut out for it."""
        return self.card.alignment

    @property
    def calibration(self) -> Calibration | None:
        """What makes the intervals of its predictions, where it has that."""
        return self.card.calibration

    def predict_views(
        self, images: np.ndarray, batch_size: int = 64
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the distributions of images and of their mirror images.

        A file that averages both inside gives that average as either.

        Args:
            images: (N, S, S, 3), 0 ... 255, S the model's input size.
            batch_size: faces in one call of the network.

        Returns:
            Two (N, K) float32 arrays.
        """
        image = self._distributions(images, batch_size)
        if self.card.mirror_averaged:
            return image, image
        return image, self._distributions(images[:, :, ::-1], batch_size)

    def _distributions(self, images: np.ndarray, batch_size: int) -> np.ndarray:
        found = [np.empty((0, self.grid.size), np.float32)]
        for first in range(0, len(images), batch_size):
            batch = np.ascontiguousarray(images[first : first + batch_size])
            outputs = self._network(batch.astype(self._network.input_dtype, copy=False))
            found.append(outputs["distribution"])
        return np.concatenate(found)


def open_light_model(path: str | os.PathLike, content: bytes | None = None) -> LightModel:
    """Open a `.tflite` or `.onnx` file that `keras-dldl export` wrote.

    Args:
        path: the file; its suffix tells the format.
        content: what the file holds, where that has been read already.

    Raises:
        ModelFileError: the file is damaged, or does not describe itself.
        ConfigError: the engine for it is not installed.
        OSError: it cannot be read.
    """
    path = Path(path)
    content = path.read_bytes() if content is None else content
    engine = SUFFIXES[path.suffix.lower()]
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    try:
        if engine == "litert":
            text = _card_at_the_end(content)
            network = LiteRTNetwork(content, threads)
        else:
            network = OnnxNetwork(content, threads)
            text = network.metadata[CARD_NAME]
        card: dict[str, Any] = json.loads(text)
    except (KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        if isinstance(error, ModelFileError) or type(error).__name__ == "ConfigError":
            raise
        raise ModelFileError(
            "A model file must be one that `keras-dldl export` wrote. "
            f"Received: {path} ({str(error).strip() or type(error).__name__})"
        ) from error
    return LightModel(ModelCard.from_dict(card, str(path)), network, engine)


def holds_keras(path: Path) -> bool:
    """Tell whether a model's file holds the Keras model, too: exported with `with_keras`."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return KERAS_FILE in archive.namelist()


def _card_at_the_end(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(CARD_FILE).decode("utf-8")
