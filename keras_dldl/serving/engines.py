"""What computes: anything that turns a batch of aligned faces into label distributions."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from keras_dldl.calibration import as_calibration
from keras_dldl.errors import ModelFileError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel

SAVED_MODEL = "saved_model.pb"
CARD = Path("assets.extra") / "keras_dldl.json"


class Engine(Protocol):
    """A model that can be served. Write a class like this to serve yours in another runtime.

    Attributes:
        grid: the labels.
        decoder: from distribution to value, "expectation" or "median".
        input_size: side of the faces it takes, in pixels.
        alignment: how faces are cut out for it.
        calibration: makes the intervals of its predictions; may be missing, or None.
    """

    grid: LabelGrid
    decoder: str
    input_size: int
    alignment: Alignment

    def distributions(self, faces: np.ndarray) -> np.ndarray:
        """Return the distributions, (B, K), of (B, S, S, 3) float32 faces, 0 ... 255.

        It is always called by the same thread.
        """

    def attention(self, faces: np.ndarray) -> np.ndarray:
        """Return (B, h, w) maps in [0, 1].

        Raises:
            ConfigError: it has none, which the message explains.
        """


class KerasEngine:
    """A `FaceModel` in Keras; image and mirror image are averaged, as `predict_age` does.

    Args:
        model: a `FaceModel`.
    """

    def __init__(self, model: "FaceModel"):
        self.model = model
        self.grid = model.grid
        self.decoder = model.method.decoder
        self.input_size = model.input_size
        self.alignment = model.alignment
        self.calibration = model.calibration
        self._maps: Any = None

    def distributions(self, faces: np.ndarray) -> np.ndarray:
        """Return the distributions, (B, K); see `Engine.distributions`."""
        both = np.concatenate([faces, faces[:, :, ::-1]]).astype(np.float32)
        p = np.asarray(self.model.predict_on_batch(both), np.float64)
        return (p[: len(faces)] + p[len(faces) :]) / 2

    def attention(self, faces: np.ndarray) -> np.ndarray:
        """Return (B, h, w) maps; see `keras_dldl.explain`."""
        from keras_dldl.explain import AttentionMaps

        if self._maps is None:
            self._maps = AttentionMaps(self.model)
        return self._maps.attention(faces)


class ViewsEngine:
    """A model that runs without Keras, by a method `predict_views(faces, batch_size)`.

    Args:
        model: that method gives the distributions of images and of their mirror images; it has
            `grid`, `method`, `input_size` and `alignment` besides, and may have `calibration`.
        keras_model: gives the same model in Keras, which attention maps need; called once, then.
    """

    def __init__(self, model: Any, keras_model: Callable[[], "FaceModel"]):
        self.model = model
        self.grid = model.grid
        self.decoder = model.method.decoder
        self.input_size = model.input_size
        self.alignment = model.alignment
        self.calibration = getattr(model, "calibration", None)
        self._keras_model = keras_model
        self._maps: Any = None

    def distributions(self, faces: np.ndarray) -> np.ndarray:
        """Return the distributions, (B, K); see `Engine.distributions`."""
        image, mirror = self.model.predict_views(faces, len(faces))
        return (np.asarray(image, np.float64) + mirror) / 2

    def attention(self, faces: np.ndarray) -> np.ndarray:
        """Return (B, h, w) maps; see `keras_dldl.explain`."""
        from keras_dldl.explain import AttentionMaps

        if self._maps is None:
            self._maps = AttentionMaps(self._keras_model())
        return self._maps.attention(faces)


class SavedModelEngine:
    """A folder that `keras-dldl export --format saved-model` wrote, on TensorFlow alone.

    Args:
        folder: the folder that holds `saved_model.pb`.

    Raises:
        ModelFileError: it is not such a folder.
    """

    def __init__(self, folder: str | os.PathLike):
        import tensorflow as tf

        card = _card(Path(folder))
        self.grid = LabelGrid(**card["grid"])
        self.decoder = _decoder(card["method"])
        self.input_size = int(card["input_size"])
        self.alignment = Alignment.from_config(card["alignment"])
        self.calibration = as_calibration(card.get("calibration"), self.grid)
        self._loaded = tf.saved_model.load(os.fspath(folder))  # its signatures live no longer
        self._signature, self._input, self._dtype = _images_signature(self._loaded, folder)

    def distributions(self, faces: np.ndarray) -> np.ndarray:
        """Return the distributions, (B, K); see `Engine.distributions`."""
        import tensorflow as tf

        images = faces if self._dtype.is_floating else np.clip(np.rint(faces), 0, 255)
        outputs = self._signature(**{self._input: tf.constant(images, self._dtype)})
        return np.asarray(outputs["distribution"], np.float64)

    def attention(self, faces: np.ndarray) -> np.ndarray:
        """Refuse: an exported model gives its outputs and nothing from inside."""
        from keras_dldl.errors import ConfigError

        raise ConfigError(
            "Attention maps need the .keras file. Serve that instead of the export. "
            "Received: a SavedModel"
        )


def engine_of(path: str) -> Engine:
    """Return the engine of a model file, a run folder or a shipped model's name.

    Raises:
        ModelFileError: there is no such model.
    """
    from keras_dldl.predict import Predictor

    model = Predictor(path).model
    if not hasattr(model, "predict_views"):
        return KerasEngine(model)

    def keras_model() -> "FaceModel":
        from keras_dldl.models import load_model

        return load_model(path)

    return ViewsEngine(model, keras_model)


def _card(folder: Path) -> dict[str, Any]:
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        missing = {"grid", "method", "input_size", "alignment"} - set(card)
    except (OSError, ValueError, TypeError) as error:
        raise ModelFileError(_foreign(folder, str(error))) from error
    if missing:
        raise ModelFileError(_foreign(folder, f"a card without {', '.join(sorted(missing))}"))
    return card


def _decoder(method: dict[str, Any]) -> str:
    from keras_dldl.methods import get_method

    return get_method(method).decoder


def _images_signature(loaded: Any, folder: str | os.PathLike) -> tuple[Any, str, Any]:
    """Return a signature that takes pixels, its input's name and type; floats before integers."""
    for name in ("images_float", "images", "serving_default"):
        signature = loaded.signatures.get(name)
        if signature is None:
            continue
        for input_name, spec in signature.structured_input_signature[1].items():
            if spec.shape.rank == 4 and "distribution" in signature.structured_outputs:
                return signature, input_name, spec.dtype
    raise ModelFileError(_foreign(Path(folder), "no signature from images to distributions"))


def _foreign(folder: Path, why: str) -> str:
    return (
        "A folder to serve must be one that `keras-dldl export --format saved-model` wrote. "
        f"Received: {folder} ({why})"
    )
