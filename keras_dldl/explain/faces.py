"""The faces that are explained: those of photos, and some of prepared data."""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils.arguments import check_integer
from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import ConfigError
from keras_dldl.evaluation.inputs import PreparedFaces, check_rows_on_grid
from keras_dldl.explain.attention import AttentionMaps, resize_map
from keras_dldl.faces.detectors import Detector
from keras_dldl.predict import Prediction, PredictOptions, Predictor

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)  # arrays have no single truth value to compare by
class ExplainedFace:
    """One face and its explanation.

    Attributes:
        face: the aligned face, (S, S, 3) uint8.
        prediction: as `predict` gives it: image and mirror image averaged.
        attention: where the evidence lies, (S, S) float32 in [0, 1], NaN where the model's map
            does not reach; image and mirror image averaged. None where the model has no maps.
    """

    face: np.ndarray
    prediction: Prediction
    attention: np.ndarray | None


class PhotoExplainer:
    """Finds faces in photos as `predict` does, and explains a model's answers for them.

    Args:
        model: a `FaceModel`.
        detector: what finds faces, see `predict_age`.

    Attributes:
        refusal: why the model has no attention maps, as a `ConfigError`; None where it has.
    """

    def __init__(self, model: "FaceModel", detector: Detector | str | None = None):
        self.model = model
        self._predictor = Predictor(model, detector=detector)
        self.maps, self.refusal = maps_or_refusal(model)

    def explain(
        self,
        image: Any,
        *,
        detect: bool = True,
        all_faces: bool = False,
        max_pixels: int | None = None,
    ) -> list[ExplainedFace]:
        """Return the explained faces of a photo, left to right.

        Args:
            image: anything `read_image` reads.
            detect: False where `image` is an aligned face already; it is only resized.
            all_faces: every face, and not only the largest.
            max_pixels: largest image accepted, see `faces.read_image`.

        Raises:
            UnreadableImage: it is not an image, damaged, or too large.
            NoFaceFound: there is no face in it.
            DetectorError: a detector of your own failed.
        """
        options = PredictOptions(all_faces, detect, max_pixels=max_pixels)
        (faces,) = self._predictor.judge([image], options)
        if isinstance(faces, Exception):
            raise faces
        return [ExplainedFace(found.crop, p, self._attention(found.crop)) for found, p in faces]

    def _attention(self, crop: np.ndarray) -> np.ndarray | None:
        if self.maps is None:
            return None
        side = self.model.input_size
        small = self.maps.attention_with_mirror(crop[None])[0]
        return resize_map(small, side, side, (self.maps.covered[0], 1.0))


def maps_or_refusal(model: "FaceModel") -> tuple[AttentionMaps | None, ConfigError | None]:
    """Return the attention maps of a model, or why it has none."""
    try:
        return AttentionMaps(model), None
    except ConfigError as refusal:
        return None, refusal


class ChosenFaces:
    """Some faces of prepared data, chosen at random but always the same ones.

    Args:
        model: the `FaceModel` to explain.
        *folders: folders that `prepare` wrote, or one `PreparedData`.
        split: "train", "val" or "test"; default: "test" where there is one, else "val".
        limit: number of faces; 0 means all.
        seed: another seed, other faces.

    Attributes:
        labels: of the chosen faces, (N,), in the order of `batches`.
        notes: what a reader of the numbers must know.
        source: where the faces come from, as plain JSON values.

    Raises:
        DataError: not prepared data, no such split, damaged records, data of another task than the
            model's, or labels that its grid does not hold.
        ConfigError: `limit` or `seed` is not a whole number from 0 up.
    """

    def __init__(
        self,
        model: "FaceModel",
        *folders: str | os.PathLike | PreparedData,
        split: str | None = None,
        limit: int = 0,
        seed: int = 0,
    ):
        check_integer("limit", limit, 0)
        check_integer("seed", seed, 0)
        self._faces, self._model = PreparedFaces(*folders, split=split), model
        self.notes = self._faces.check(model)
        self._every = self._faces.rows["label"].to_numpy(np.float64)
        check_rows_on_grid(self._faces.rows, model.grid)
        order = np.random.default_rng(seed).permutation(len(self._every))
        self._chosen = np.sort(order[:limit] if limit else order)
        self.labels = self._every[self._chosen]
        if len(set(self.labels)) == 1:
            self.notes.append(f"all labels are {self.labels[0]:g}: one value says nothing of age")
        for note in self.notes:
            log.warning("%s", note)
        counts = {"rows": len(order), "chosen": len(self.labels), "seed": seed}
        self.source: dict[str, Any] = self._faces.source | counts

    def batches(self, batch_size: int = 64) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (B, S, S, 3) float32 faces, 0 ... 255, and their (B,) labels."""
        for positions, images in self._faces.batches(self._model, batch_size):
            inside = np.isin(positions, self._chosen)
            if inside.any():
                yield np.asarray(images)[inside], self._every[np.asarray(positions)[inside]]

    def images(self) -> np.ndarray:
        """Return the chosen faces at once, (N, S, S, 3) uint8."""
        rounded = [np.rint(images).astype(np.uint8) for images, _ in self.batches()]
        return np.concatenate(rounded)
