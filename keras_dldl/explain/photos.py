"""From a photo to its faces, what a model says of them, and where it looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.errors import ConfigError, ModelFileError, NoFaceFound
from keras_dldl.explain.attention import AttentionMaps, resize_map
from keras_dldl.faces.aligner import FaceAligner, largest
from keras_dldl.faces.detector import Face
from keras_dldl.faces.images import image_name, read_image
from keras_dldl.prediction import Prediction

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel


@dataclass(frozen=True, eq=False)  # arrays have no single truth value to compare by
class ExplainedFace:
    """One face and its explanation.

    Attributes:
        face: the aligned face, (S, S, 3) uint8.
        prediction: as `predict` gives it: image and mirror image averaged.
        attention: where the evidence lies, (S, S) float32 in [0, 1]; None where the model has no
            attention maps.
    """

    face: np.ndarray
    prediction: Prediction
    attention: np.ndarray | None


class PhotoExplainer:
    """Finds faces in photos as `predict` does, and explains a model's answers for them.

    Args:
        model: a `FaceModel`.
        detector: anything with `detect(images) -> list[list[Face]]`; default `FaceDetector()`.

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
        """
        pixels, name = read_image(image, max_pixels=max_pixels), image_name(image)
        faces = self._faces(pixels, name, all_faces) if detect else [None]
        crops = np.stack([self._crop(pixels, face) for face in faces])
        predictions = self._predictions(crops, faces, name)
        return [
            ExplainedFace(crop, prediction, self._attention(crop))
            for crop, prediction in zip(crops, predictions, strict=True)
        ]

    def _faces(self, image: np.ndarray, name: str, all_faces: bool) -> Sequence[Face]:
        faces = self._aligner.detect([image])[0]
        if not faces:
            raise NoFaceFound(
                f"{name}: no face was found. Give a larger picture; or, if it is an aligned face "
                "crop already, pass detect=False (command line: --no-detect). "
                f"Received: a picture of {image.shape[1]} x {image.shape[0]} pixels"
            )
        return faces if all_faces else [largest(faces)]

    def _crop(self, image: np.ndarray, face: Face | None) -> np.ndarray:
        size = self.model.input_size
        if face is None:
            return self._aligner.alignment.whole(image, size)
        return self._aligner.alignment.align(image, face.landmarks, size)

    def _predictions(
        self, crops: np.ndarray, faces: Sequence[Face | None], name: str
    ) -> list[Prediction]:
        from keras_dldl.models import predict_views

        image, mirror = predict_views(self.model, crops)
        mean = (image.astype(np.float64) + mirror) / 2
        if not np.isfinite(mean).all():
            raise ModelFileError(
                "The model must give probabilities. Its weights are damaged: train it again. "
                f"Received: NaN or infinite outputs from the model {self.model.name}"
            )
        grid = self.model.grid
        common = {
            "decoder": self.model.method.decoder,
            "calibration": self.model.calibration,
            "name": name,
        }
        return [
            Prediction(p, grid, number=number, **common, **_found(face))
            for number, (p, face) in enumerate(zip(mean, faces, strict=True), 1)
        ]

    def _attention(self, crop: np.ndarray) -> np.ndarray | None:
        if self.maps is None:
            return None
        side = self.model.input_size
        return resize_map(self.maps.attention(crop[None])[0], side, side, self.maps.covered)


def maps_or_refusal(model: "FaceModel") -> tuple[AttentionMaps | None, ConfigError | None]:
    """Return the attention maps of a model, or why it has none."""
    try:
        return AttentionMaps(model), None
    except ConfigError as refusal:
        return None, refusal


def _found(face: Face | None) -> dict[str, Any]:
    if face is None:
        return {}
    return {"box": face.box, "landmarks": face.landmarks, "score": face.score}
