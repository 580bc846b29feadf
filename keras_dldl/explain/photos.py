"""From a photo to its faces, what a model says of them, and where it looks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.errors import ConfigError
from keras_dldl.explain.attention import AttentionMaps, resize_map
from keras_dldl.predict import Prediction, PredictOptions, Predictor

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel


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

    def __init__(self, model: "FaceModel", detector: Any = None):
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
