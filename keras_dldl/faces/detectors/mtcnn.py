"""Faces and five points by MTCNN (Zhang et al. 2016), the paper's detector."""

import logging
import threading
from collections.abc import Callable, Sequence

import numpy as np

from keras_dldl.errors import ConfigError
from keras_dldl.faces.alignment import spans_a_face
from keras_dldl.faces.face import Face, left_to_right
from keras_dldl.interpreters import asked_engine, is_installed

# Larger images are reduced to this side first, which bounds time and memory. The smallest face is
# 20 pixels, so in larger photos a face must fill 1/64 of the longer side.
MAX_SIDE = 1280
MIN_SIDE = 24
# Where nothing is found in a tight crop, a border of repeated edge pixels lets the detector see
# the face as a whole: in UTKFace's crops it finds the last per cent that way.
BORDER = 0.3
PIXELS_PER_BATCH = 2_000_000
# Of 23,000 faces in published crops 97 % score higher; what scores lower beside a clear face is
# mostly a pattern in clothes or background.
CLEAR_SCORE = 0.95
BY_PACKAGE = "MTCNN by the package `mtcnn`"
_LOGGER = logging.getLogger(__name__)


class MTCNNDetector:
    """MTCNN with the weights of the `mtcnn` package, for batches of any mixture of images.

    Images of one shape go through the networks together; the result for an image does not depend
    on its neighbours. The networks are loaded at the first call.

    Args:
        max_side: longer images are reduced to this many pixels for detection.
        border: where nothing is found, the image is searched again with a border of repeated edge
            pixels, as wide as this share of its longer side; 0: it is not.
        engine: "keras" for the `mtcnn` package itself, which loads TensorFlow; "litert" for the
            same networks in LiteRT, which gives the same boxes and points to 0.001 pixels; "auto"
            or "onnx" for LiteRT where it is installed, else the package. Default:
            KERAS_DLDL_ENGINE, or "auto".

    Raises:
        ConfigError: there is no such engine; at a call: the package or LiteRT is not installed, or
            the process was forked after TensorFlow, which the package needs, was loaded.
    """

    def __init__(self, max_side: int = MAX_SIDE, engine: str | None = None, border: float = BORDER):
        self.max_side = max_side
        self.border = border
        self.engine = asked_engine(engine)
        self._find: Callable[[list[np.ndarray]], np.ndarray] | None = None
        self._lock = threading.Lock()

    def detect(self, images: list[np.ndarray]) -> list[list[Face]]:
        """Return the faces of each image, left to right.

        Args:
            images: (H, W, 3) uint8 RGB arrays, of any sizes.
        """
        if not images:
            return []
        reduced, factors = zip(*(reduced_to(image, self.max_side) for image in images), strict=True)
        found = self._detect_reduced(reduced)
        missed = [i for i, faces in enumerate(found) if not faces] if self.border else []
        widened = [_with_border(reduced[i], self.border) for i in missed]
        again = self._detect_reduced([image for image, _ in widened])
        for i, faces, (_, border) in zip(missed, again, widened, strict=True):
            found[i] = [_moved(face, -border) for face in faces]
        result = []
        for faces, factor, image in zip(found, factors, images, strict=True):
            scaled = [_float32(face.scaled(factor)) for face in left_to_right(_clear(faces))]
            cut = [face.cut_at_edges(image.shape) for face in scaled]
            result.append([face for face in cut if face is not None])
        return result

    def _detect_reduced(self, images: Sequence[np.ndarray]) -> list[list[Face]]:
        found: list[list[Face]] = [[] for _ in images]
        for batch in _batches_of_one_shape(images):
            for row in self._run([images[i] for i in batch]):
                face = _face(row)
                # Now and then the five points coincide or are NaN: there is nothing to cut out.
                if np.isfinite(row).all() and spans_a_face(face.landmarks):
                    found[batch[int(row[0])]].append(face)
        return found

    def _run(self, images: list[np.ndarray]) -> np.ndarray:
        """Return the detector's rows: image, x1, y1, x2, y2, score, five x, five y."""
        with self._lock:  # two threads that ask at once wait for one loading
            if self._find is None:
                self._find = _finder(self.engine)
        rows = self._find(images)
        return rows[:, :16] if len(rows) else np.empty((0, 16))


def _finder(engine: str) -> Callable[[list[np.ndarray]], np.ndarray]:
    """Return the function from images of one shape to the rows of `MTCNNDetector._run`."""
    from keras_dldl.faces.detectors.cascade_networks import CascadeNetworks, weights_folder

    weights_folder()  # without it no engine has a network
    if engine != "litert" and (engine == "keras" or not is_installed("litert")):
        return _package_finder()
    from keras_dldl.faces.detectors.cascade import find_faces

    try:
        networks = CascadeNetworks()
    except Exception as error:
        if engine == "litert" and isinstance(error, ImportError):
            raise ConfigError(
                f'The engine "litert" needs LiteRT: pip install ai-edge-litert. Received: {error}'
            ) from error
        if engine == "litert":
            raise
        # Such as another release of the package, which packs its weights in another way.
        _LOGGER.warning("Faces are found with TensorFlow. Received, from LiteRT: %s", error)
        return _package_finder()
    return lambda images: find_faces(np.stack(images), networks)


def _package_finder() -> Callable[[list[np.ndarray]], np.ndarray]:
    from keras_dldl._utils.backends import check_not_forked
    from keras_dldl.faces.detectors.mtcnn_package import load_networks

    check_not_forked(BY_PACKAGE)
    mtcnn, lock = load_networks(), threading.Lock()

    def find(images: list[np.ndarray]) -> np.ndarray:
        # Images of one shape only: with padded ones the package assigns the offsets of the wrong
        # image as soon as one image of the batch has no face.
        check_not_forked(BY_PACKAGE)
        with lock:
            return mtcnn.detect_faces(
                images, output_type="numpy", box_format="xyxy", fit_to_image=False
            )

    return find


def reduced_to(image: np.ndarray, max_side: int) -> tuple[np.ndarray, float]:
    """Return the image, no longer than `max_side`, and the factor back to its own pixels."""
    from PIL import Image

    longest = max(image.shape[:2])
    if longest <= max_side:
        return image, 1.0
    factor = longest / max_side
    size = (max(1, round(image.shape[1] / factor)), max(1, round(image.shape[0] / factor)))
    smaller = Image.fromarray(image).resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(smaller), factor


def _batches_of_one_shape(images: Sequence[np.ndarray]) -> list[list[int]]:
    """Return index lists: images of one shape, of limited pixels together; no small ones."""
    by_shape: dict[tuple, list[int]] = {}
    for i, image in enumerate(images):
        if min(image.shape[:2]) >= MIN_SIDE:
            by_shape.setdefault(image.shape, []).append(i)
    batches = []
    for shape, indices in by_shape.items():
        step = max(1, PIXELS_PER_BATCH // (shape[0] * shape[1]))
        batches += [indices[k : k + step] for k in range(0, len(indices), step)]
    return batches


def _clear(faces: list[Face]) -> list[Face]:
    """Return the clear faces; where none is clear, all of them."""
    return [face for face in faces if face.score >= CLEAR_SCORE] or faces


def _face(row: np.ndarray) -> Face:
    x1, y1, x2, y2, score = (float(value) for value in row[1:6])
    landmarks = np.stack([row[6:11], row[11:16]], axis=1)
    return Face((x1, y1, x2 - x1, y2 - y1), landmarks, score)


def _float32(face: Face) -> Face:
    return Face(face.box, face.landmarks.astype(np.float32), face.score)


def _moved(face: Face, by: float) -> Face:
    x, y, width, height = face.box
    return Face((x + by, y + by, width, height), face.landmarks + by, face.score)


def _with_border(image: np.ndarray, share: float) -> tuple[np.ndarray, int]:
    border = round(share * max(image.shape[:2]))
    return np.pad(image, ((border, border), (border, border), (0, 0)), mode="edge"), border
