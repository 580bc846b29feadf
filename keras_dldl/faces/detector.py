"""Faces and five points by MTCNN (Zhang et al. 2016), the paper's detector."""

import threading
from dataclasses import dataclass

import numpy as np

# The detector's own smallest face is 20 pixels; images are reduced to this side before, which
# bounds time and memory, so in larger photos a face must fill 1/64 of the longer side.
MAX_SIDE = 1280
MIN_SIDE = 24
# Where nothing is found in a tight crop, a border of repeated edge pixels lets the detector see
# the face as a whole: in UTKFace's crops it finds the last per cent that way.
BORDER = 0.3
PIXELS_PER_BATCH = 2_000_000
# Of 23,000 faces in published crops 97 % score higher; what scores lower beside a clear face is
# mostly a pattern in clothes or background.
CLEAR_SCORE = 0.95


@dataclass(frozen=True)
class Face:
    """One face found.

    Args:
        box: (x, y, width, height) in the image's pixels, cut at its edges.
        landmarks: (5, 2), x and y of left eye, right eye (as the viewer sees them), nose tip, left
            and right mouth corner.
        score: the detector's confidence, 0 ... 1.
    """

    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    score: float

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return self.box[2] * self.box[3]


class FaceDetector:
    """MTCNN from the `mtcnn` package, made safe for batches of any mixture of images.

    Images of one shape go through the networks together; the result for an image does not depend
    on its neighbours. Loading takes a second or two and happens at the first call.

    Args:
        max_side: longer images are reduced to this many pixels for detection.
    """

    def __init__(self, max_side: int = MAX_SIDE):
        self.max_side = max_side
        self._mtcnn = None
        self._lock = threading.Lock()

    def detect(self, images: list[np.ndarray]) -> list[list[Face]]:
        """Return the faces of each image, left to right.

        Args:
            images: (H, W, 3) uint8 RGB arrays, of any sizes.
        """
        found = self._detect_reduced(images)
        missed = [i for i, faces in enumerate(found) if not faces]
        widened = [_with_border(images[i]) for i in missed]
        again = self._detect_reduced([image for image, _ in widened])
        for i, faces, (_, border) in zip(missed, again, widened, strict=True):
            found[i] = [_moved(face, border, images[i].shape) for face in faces]
        return [sorted(_clear(faces), key=lambda face: face.box[0]) for faces in found]

    def _detect_reduced(self, images: list[np.ndarray]) -> list[list[Face]]:
        found: list[list[Face]] = [[] for _ in images]
        reduced = [_reduced(image, self.max_side) for image in images]
        for batch in _batches_of_one_shape([image for image, _ in reduced]):
            rows = self._run([reduced[i][0] for i in batch])
            for row in rows:
                i = batch[int(row[0])]
                found[i].append(_face(row, reduced[i][1], images[i].shape))
        return found

    def _run(self, images: list[np.ndarray]) -> np.ndarray:
        """Return the detector's rows: image, x1, y1, x2, y2, score, five x, five y."""
        with self._lock:
            if self._mtcnn is None:
                self._mtcnn = _load_mtcnn()
            # Images of one shape only: with padded ones the package assigns the offsets of the
            # wrong image as soon as one image of the batch has no face.
            rows = self._mtcnn.detect_faces(
                images, output_type="numpy", box_format="xyxy", fit_to_image=False
            )
        return rows[:, :16] if len(rows) else np.empty((0, 16))


def _load_mtcnn():
    import keras

    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "Face detection needs Keras on TensorFlow: set KERAS_BACKEND=tensorflow, or pass "
            f"aligned faces. Received: KERAS_BACKEND={keras.backend.backend()}"
        )
    from mtcnn import MTCNN

    return MTCNN()


def _reduced(image: np.ndarray, max_side: int) -> tuple[np.ndarray, float]:
    """Return the image, no longer than `max_side`, and the factor back to its own pixels."""
    from PIL import Image

    longest = max(image.shape[:2])
    if longest <= max_side:
        return image, 1.0
    factor = longest / max_side
    size = (max(1, round(image.shape[1] / factor)), max(1, round(image.shape[0] / factor)))
    smaller = Image.fromarray(image).resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(smaller), factor


def _batches_of_one_shape(images: list[np.ndarray]) -> list[list[int]]:
    """Return index lists: images of one shape together, so many pixels; too small ones left out."""
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


def _face(row: np.ndarray, factor: float, shape: tuple) -> Face:
    x1, y1, x2, y2 = row[1:5] * factor
    landmarks = np.stack([row[6:11], row[11:16]], axis=1) * factor
    return Face(_cut_box(x1, y1, x2, y2, shape), landmarks.astype(np.float32), float(row[5]))


def _cut_box(x1: float, y1: float, x2: float, y2: float, shape: tuple) -> tuple:
    x1, x2 = np.clip([x1, x2], 0, shape[1])
    y1, y2 = np.clip([y1, y2], 0, shape[0])
    return (float(x1), float(y1), float(x2 - x1), float(y2 - y1))


def _with_border(image: np.ndarray) -> tuple[np.ndarray, int]:
    border = round(BORDER * max(image.shape[:2]))
    return np.pad(image, ((border, border), (border, border), (0, 0)), mode="edge"), border


def _moved(face: Face, border: int, shape: tuple) -> Face:
    x, y, width, height = face.box
    box = _cut_box(x - border, y - border, x + width - border, y + height - border, shape)
    return Face(box, face.landmarks - np.float32(border), face.score)
