"""From a photo to its faces, what a model says of them, and where it looks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.explain.attention import AttentionMaps, resize_map
from keras_dldl.faces.aligner import FaceAligner, FoundFace
from keras_dldl.faces.photo import Photo
from keras_dldl.faces.sources import image_name
from keras_dldl.prediction import Prediction

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
        self._aligner = FaceAligner(model.alignment, detector)
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
        name = image_name(image)
        photo = Photo(image, max_pixels=max_pixels, name=name)
        (found,) = self._aligner.find(
            [photo], self.model.input_size, all_faces=all_faces, detect=detect
        )
        if isinstance(found, Exception):
            raise type(found)(f"{name}: {found}")
        predictions = self._predictions(found, name)
        return [
            ExplainedFace(one.crop, prediction, self._attention(one.crop))
            for one, prediction in zip(found, predictions, strict=True)
        ]

    def _predictions(self, found: list[FoundFace], name: str) -> list[Prediction]:
        from keras_dldl.models import predict_views

        image, mirror = predict_views(self.model, np.stack([one.crop for one in found]))
        mean = (image.astype(np.float64) + mirror) / 2
        if not np.isfinite(mean).all():
            raise ModelFileError(
                "The model must give probabilities. Its weights are damaged: train it again. "
                f"Received: NaN or infinite outputs from the model {self.model.name}"
            )
        model = self.model
        return [
            Prediction.of_face(
                one, p, model.grid, model.method.decoder, model.calibration, name, number
            )
            for number, (p, one) in enumerate(zip(mean, found, strict=True), 1)
        ]

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
