"""The one way from a picture to its faces, shared by `prepare`, evaluation and prediction."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_dldl.errors import ConfigError, DetectorError, NoFaceFound, UnreadableImage
from keras_dldl.faces.alignment import DETECTORS, Alignment, spans_a_face
from keras_dldl.faces.detectors import Detector, as_detector, name_of
from keras_dldl.faces.face import Face, largest, left_to_right
from keras_dldl.faces.images import Photo
from keras_dldl.faces.quality import (
    LEAST_SCORE_OF_CROP,
    FaceWarning,
    face_warnings,
    score_of_crop,
)

LONGEST_REASON = 100
USE_AUTO = 'detector="auto" (command line: --detector auto)'

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class FoundFace:
    """A face, cut out and judged.

    Args:
        crop: (S, S, 3) uint8 RGB.
        face: where it is in its photo; None of a photo that is an aligned face as a whole.
        warnings: reasons to doubt it.
        faces_found: how many faces were found in the photo. Where only the largest was wanted,
            small ones may be missing.
    """

    crop: np.ndarray
    face: Face | None
    warnings: list[FaceWarning] = field(default_factory=list)
    faces_found: int | None = None


class FaceAligner:
    """Finds faces and cuts them out.

    Args:
        alignment: the template, and the name of the detector; default `Alignment()`.
        detector: another detector than the alignment's: its name, or an object, see
            `faces.detectors.Detector`.
        engine: what runs the networks, see `predict_age`.

    Raises:
        ConfigError: there is no such detector; of the alignment's own where it is first needed.
    """

    def __init__(
        self,
        alignment: Alignment | None = None,
        detector: Detector | str | None = None,
        engine: str | None = None,
    ):
        self.alignment = alignment or Alignment()
        self._engine = engine
        self._given = None if detector is None else as_detector(detector, engine)

    @property
    def detector(self) -> Detector:
        """What finds the faces; the alignment's own is made when first asked for."""
        if self._given is not None:
            return self._given
        try:
            return as_detector(self.alignment.detector, self._engine)
        except ConfigError as error:  # who gave a model may never have heard of its detector
            raise ConfigError(
                "The detector that found the model's training faces cannot be used; `detector=` "
                f"(command line: --detector) takes another. {error}"
            ) from error

    def find(
        self, photos: Sequence[Photo], size: int, *, all_faces: bool = False, detect: bool = True
    ) -> list[list[FoundFace] | NoFaceFound | DetectorError | UnreadableImage]:
        """Return the faces of photos, cut out and judged.

        Args:
            photos: of any sizes.
            size: side of the crops in pixels.
            all_faces: all of them, left to right, and not only the largest.
            detect: False where each photo is an aligned face already; it is only resized.

        Returns:
            For each photo a list of one face or more, or the error that it ends in; of a file that
            can no longer be read where a crop needs more of its pixels, UnreadableImage. Errors do
            not name the photo.
        """
        if not detect:
            return [[self._whole(photo, size)] for photo in photos]
        found = self.detect([photo.pixels for photo in photos], all_faces=all_faces)
        return [
            faces
            if isinstance(faces, DetectorError)
            else self._cut_out(photo, faces, size, all_faces)
            for photo, faces in zip(photos, found, strict=True)
        ]

    def detect(
        self, images: list[np.ndarray], *, all_faces: bool = True
    ) -> list[list[Face] | DetectorError]:
        """Return the faces of each image, left to right, their boxes cut at its edges.

        Where the detector failed, or returned what is no face, the error stands in the place of the
        image's faces.

        Args:
            images: (H, W, 3) uint8 RGB arrays.
            all_faces: False where only the largest face is wanted; then small ones may be missing.
        """
        find = None if all_faces else getattr(self.detector, "detect_large", None)
        return self._found(images, find or self.detector.detect) if images else []

    def _whole(self, photo: Photo, size: int) -> FoundFace:
        crop = self.alignment.whole(photo.pixels, size)
        return FoundFace(crop, None, face_warnings(crop, None, photo.shape, self.alignment))

    def _cut_out(
        self, photo: Photo, faces: list[Face], size: int, all_faces: bool
    ) -> list[FoundFace] | NoFaceFound | UnreadableImage:
        if not faces:
            whole = self.alignment.whole(photo.pixels, size)
            return _no_face(whole, photo.shape, name_of(self.detector))
        scaled = [face.scaled(photo.reduction) for face in faces]
        chosen = scaled if all_faces else [largest(scaled)]
        found = []
        for face in chosen:
            try:
                crop = photo.align(self.alignment, face.landmarks, size)
            except UnreadableImage as error:
                return UnreadableImage(str(error).removeprefix(f"{photo.name}: "))
            warnings = face_warnings(crop, face, photo.shape, self.alignment)
            found.append(FoundFace(crop, face, warnings, len(faces)))
        return found

    def _found(
        self, images: list[np.ndarray], find: Callable[[list[np.ndarray]], Any]
    ) -> list[list[Face] | DetectorError]:
        try:
            found = list(find(images))
            if len(found) != len(images):
                raise ValueError(f"{len(found)} results for {len(images)} images")
        except ConfigError:  # a package that is missing, say: no fault of the images
            raise
        except (Exception, SystemExit) as error:  # `sys.exit` must not end the command unheard
            if len(images) == 1:
                return [self._error(error, images[0])]
            # One bad image must not take the others with it.
            return [self._found([image], find)[0] for image in images]
        return [self._checked(faces, image) for faces, image in zip(found, images, strict=True)]

    def _checked(self, faces: Any, image: np.ndarray) -> list[Face] | DetectorError:
        try:
            return left_to_right([_as_face(face, image.shape) for face in faces])
        except (Exception, SystemExit) as error:  # of a generator, whatever the user's code raises
            return self._error(error, image)

    def _error(self, error: BaseException, image: np.ndarray) -> DetectorError:
        _LOGGER.debug("The detector failed:", exc_info=error)
        wrong = " ".join(str(error).split())
        if not (isinstance(error, ValueError) and wrong):  # not one of ours: what its code raised
            wrong = f"{type(error).__name__}: {wrong}"
        # The first sentence, without a colon, is what `prepare` counts failures by.
        why = re.sub(r"[:.;] ", ", ", wrong)[:LONGEST_REASON].rstrip(".,;: ")
        height, width = image.shape[:2]
        rest = f"; {wrong}" if len(wrong) > LONGEST_REASON else ""
        return DetectorError(
            f"the detector {name_of(self.detector)} failed, {why}. It must return, "
            "for each image, a list of faces: a box that meets the picture, five points that span "
            "a face there, and a score from 0 to 1. Received: for a picture of "
            f"{width} x {height} pixels{rest}"
        )


def _no_face(whole: np.ndarray, shape: tuple[int, int], detector: str) -> NoFaceFound:
    """Return the error for a picture of this height and width; `whole` is it as a crop."""
    score = score_of_crop(whole)
    # Of what is no face either way, a model would read a value out of nothing.
    if score is None or score >= LEAST_SCORE_OF_CROP:
        no_search = "; or, if it is an aligned face crop already, pass detect=False"
        no_search += " (command line: --no-detect)"
    else:
        no_search = ". detect=False (command line: --no-detect) is for aligned face crops, which "
        no_search += "this does not look like"
    return NoFaceFound(
        f"no face was found. {_remedy(detector)}{no_search}. "
        f"Received: a picture of {shape[1]} x {shape[0]} pixels"
    )


def _remedy(detector: str) -> str:
    if detector not in DETECTORS:
        return f"Give a picture with a face that {detector} finds, or {USE_AUTO}"
    small = "faces under about 20 pixels, or under 1/64 of its longer side, are not found"
    turned = f"; MTCNN finds upright faces only, {USE_AUTO} turned ones, too"
    return (
        f"Give a larger picture, or one with the whole face: {small}"
        f"{turned if detector == 'mtcnn' else ''}"
    )


def _as_face(face: Any, shape: tuple[int, ...]) -> Face:
    """Return what a detector gives, or raise an error that says why it is no face.

    Args:
        face: anything with a box, landmarks and a score.
        shape: (H, W, ...) of its picture.
    """
    x, y, width, height = box = tuple(map(float, face.box))
    right, bottom = x + width, y + height
    sides = min(right, shape[1]) - max(x, 0), min(bottom, shape[0]) - max(y, 0)
    if not (np.isfinite(box).all() and min(sides) > 0):
        raise ValueError(f"the box {box} in a picture of {shape[1]} x {shape[0]} pixels")
    points = np.asarray(face.landmarks, np.float32)
    if points.shape != (5, 2) or not spans_a_face(points):
        raise ValueError(f"the landmarks {points.tolist()}")
    longest = max(shape[:2])
    # No face of the picture reaches further: these are the pixels of another size.
    if (points < -longest).any() or (points > np.array(shape[1::-1]) + longest).any():
        raise ValueError(f"landmarks far outside of the picture, {points.tolist()}")
    score = float(face.score)
    if not 0 <= score <= 1:
        raise ValueError(f"the score {score}")
    found = Face(box, points, score)
    is_within = x >= 0 and y >= 0 and right <= shape[1] and bottom <= shape[0]
    return found if is_within else found.cut_at_edges(shape)
