"""Detection on a real photograph and on made pictures; a batch equals single images."""

import numpy as np
import pytest

from keras_dldl.errors import NoFaceFound
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.detectors.mtcnn import MTCNNDetector
from keras_dldl.faces.face import Face
from keras_dldl.faces.images import Photo


@pytest.fixture(scope="module")
def detector():
    return MTCNNDetector()


@pytest.fixture(scope="module")
def astronaut():
    from skimage.data import astronaut

    return astronaut()


def test_finds_the_astronaut(detector, astronaut):
    (face,) = detector.detect([astronaut])[0]
    x, y, width, height = face.box
    assert 160 < x < 200 and 50 < y < 90 and 70 < width < 100 and 90 < height < 130
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0] and left_mouth[0] < right_mouth[0]
    assert left_eye[1] < nose[1] < left_mouth[1]
    assert 0.9 < face.score <= 1


def test_a_batch_of_mixed_shapes_equals_single_images(detector, astronaut):
    images = [astronaut, np.full((90, 120, 3), 128, np.uint8), astronaut[:300, 100:340], astronaut]
    together = detector.detect(images)
    for image, faces in zip(images, together, strict=True):
        alone = detector.detect([image])[0]
        assert [face.box for face in faces] == [face.box for face in alone]
    assert [len(faces) for faces in together] == [1, 0, 1, 1]


def test_large_photos_are_reduced_and_boxes_are_in_their_own_pixels(detector, astronaut):
    large = np.repeat(np.repeat(astronaut, 4, axis=0), 4, axis=1)
    (face,) = detector.detect([large])[0]
    (small,) = detector.detect([astronaut])[0]
    assert np.array(face.box) == pytest.approx(4 * np.array(small.box), rel=0.1)


def test_a_tight_crop_is_found_through_its_border(detector, astronaut):
    tight = astronaut[85:160, 190:256]
    faces = detector.detect([tight])[0]
    assert len(faces) == 1
    x, y, width, height = faces[0].box
    assert x >= 0 and y >= 0 and x + width <= 66 and y + height <= 75
    assert MTCNNDetector(border=0).detect([tight]) == [[]]


@pytest.mark.parametrize("shape", [(1, 1), (10, 10), (23, 300), (25, 25), (40, 4000), (2, 200_000)])
def test_no_face_in_odd_pictures(detector, shape):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (*shape, 3), dtype=np.uint8)
    assert detector.detect([image]) == [[]]


def test_no_images(detector):
    assert detector.detect([]) == []


class OneFace:
    """Finds a face of known place in light images only."""

    def detect(self, images):
        face = Face((10.0, 10.0, 20.0, 20.0), Alignment().template(40), 1.0)
        return [[face] if image.mean() > 100 else [] for image in images]


def test_aligner_tells_where_no_face_is():
    aligner = FaceAligner(detector=OneFace())
    light, dark = np.full((50, 60, 3), 200, np.uint8), np.zeros((50, 60, 3), np.uint8)
    (face,), none = aligner.find([Photo(light), Photo(dark)], 32)
    assert face.crop.shape == (32, 32, 3) and face.face.box == (10, 10, 20, 20)
    assert isinstance(none, NoFaceFound) and "60 x 50 pixels" in str(none)


def row_of(image, left, landmarks, score=0.99):
    """Return a face as the networks give it."""
    x, y = np.asarray(landmarks, np.float64).T
    return [image, left, 10, left + 30, 40, score, *x, *y]


def test_faces_whose_points_cannot_be_aligned_are_dropped(monkeypatch):
    good = Alignment().template(40)
    flat, broken = np.full((5, 2), 20.0), np.where(good > 20, np.nan, good)
    rows = [row_of(0, 30, flat), row_of(0, 20, good), row_of(0, 10, broken), row_of(1, 5, flat)]
    detector = MTCNNDetector()
    at_border = np.array([row_of(0, 5, flat)])  # the second image's other chance
    monkeypatch.setattr(
        detector, "_run", lambda images: np.array(rows) if len(images) == 2 else at_border
    )
    images = [np.full((50, 60, 3), 99, np.uint8)] * 2
    (face,), none = detector.detect(images)
    assert face.box[0] == 20 and none == []
    found = FaceAligner(detector=detector).find([Photo(image) for image in images], 32)
    assert [isinstance(of, NoFaceFound) for of in found] == [False, True]
