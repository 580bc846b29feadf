"""What a detector returns, in order and checked; detectors of the user's own that fail."""

import sys
import types

import numpy as np
import pytest

from keras_dldl.data.sources.base import Skipped, kinds_of
from keras_dldl.errors import ConfigError, DetectorError, NoFaceFound, UnreadableImage
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.alignment import MEAN_SHAPE, Alignment
from keras_dldl.faces.face import Face
from keras_dldl.faces.images import Photo

GOOD = Face((10.0, 10.0, 20.0, 25.0), 8 * MEAN_SHAPE + 20, 0.9)
PICTURE = np.full((60, 50, 3), 90, np.uint8)


class Own:
    """Returns for each picture what its first pixel says."""

    def __init__(self, *answers):
        self.answers = answers

    def detect(self, images):
        return [self.answer(self.answers[image[0, 0, 0]]) for image in images]

    def answer(self, answer):
        if isinstance(answer, Exception):
            raise answer
        return answer


def face_with(**changes):
    return Face(**{"box": GOOD.box, "landmarks": GOOD.landmarks, "score": GOOD.score, **changes})


@pytest.mark.parametrize(
    "nonsense",
    [
        [face_with(landmarks=np.full((5, 2), np.nan))],
        [face_with(landmarks=np.zeros((5, 2)))],
        [face_with(landmarks=GOOD.landmarks[:4])],
        [face_with(landmarks=None)],
        [face_with(landmarks=8 * MEAN_SHAPE + 1e7)],
        [face_with(landmarks=1e30 * MEAN_SHAPE)],
        [face_with(box=(0, 0, np.inf, 10))],
        [face_with(box=(np.nan, 0, 1, 1))],
        [face_with(box=(70, 0, 10, 10))],
        [face_with(box=(0, 0, 0, 10))],
        [face_with(score=7)],
        [(1, 2, 3, 4)],
        None,
        RuntimeError("no luck"),
        NoFaceFound("not here"),
        UnreadableImage("of its own"),
    ],
)
def test_nonsense_of_a_users_detector_is_named_and_the_others_are_answered(nonsense):
    aligner = FaceAligner(Alignment(), Own([GOOD], nonsense, []))
    pictures = [np.full_like(PICTURE, k) for k in (0, 1, 2, 0)]
    one, bad, none, again = aligner.detect(pictures)
    assert one[0].box == again[0].box == GOOD.box and none == []
    assert isinstance(bad, DetectorError) and "Own" in str(bad) and "Received" in str(bad)
    found = aligner.find([Photo(picture) for picture in pictures], 32)
    assert [len(faces) for faces in (found[0], found[3])] == [1, 1]
    assert isinstance(found[1], DetectorError) and isinstance(found[2], NoFaceFound)


def test_a_setting_that_is_wrong_ends_the_run():
    with pytest.raises(ConfigError, match="not installed"):
        FaceAligner(Alignment(), Own(ConfigError("not installed"))).detect([np.zeros_like(PICTURE)])


def test_the_detector_of_a_model_that_is_not_here_is_told_as_the_model_s():
    with pytest.raises(
        ConfigError, match="the model's training faces.*--detector.*importable. Rec"
    ):
        FaceAligner(Alignment(detector="no_such_module_of_test:Own")).detect([PICTURE])
    with pytest.raises(ConfigError, match=r"'no_such_module_of_test'; .* were searched\)$"):
        FaceAligner(Alignment(), "no_such_module_of_test:Own")


def test_a_wrong_number_of_results():
    class Short:
        def detect(self, images):
            return [[GOOD]] * (len(images) - 1)

    first, second = FaceAligner(Alignment(), Short()).detect([PICTURE, PICTURE])
    assert isinstance(first, DetectorError) and isinstance(second, DetectorError)


@pytest.mark.parametrize("kind", [list, iter, tuple])
def test_faces_of_any_kind_become_faces_with_numbers_as_promised(kind):
    """Lists for arrays, integers for floats, another class than ours, a generator of them."""
    own = types.SimpleNamespace(
        box=np.array([10, 10, 20, 25]), landmarks=GOOD.landmarks.tolist(), score=np.float32(1)
    )
    (found,) = FaceAligner(Alignment(), Own(kind([own]))).find([Photo(np.zeros_like(PICTURE))], 32)
    face = found[0].face
    assert face.box == (10.0, 10.0, 20.0, 25.0) and face.score == 1.0
    assert [type(number) for number in (*face.box, face.score)] == [float] * 5
    assert face.landmarks.dtype == np.float32
    assert np.array_equal(face.landmarks, GOOD.landmarks.astype(np.float32))


def test_an_error_of_a_detector_s_own_code_tells_its_kind(caplog):
    class Own:
        def detect(self, images):
            raise KeyError("weights")

    caplog.set_level("DEBUG", logger="keras_dldl")
    (error,) = FaceAligner(Alignment(), Own()).detect([PICTURE])
    assert 'raise KeyError("weights")' in caplog.text  # the line of its code, for who debugs it
    assert isinstance(error, DetectorError) and "Own failed, KeyError, 'weights'. It" in str(error)
    assert str(error).count("weights") == 1  # said once
    height, width = PICTURE.shape[:2]
    assert str(error).endswith(f"Received: for a picture of {width} x {height} pixels")


def test_a_long_reason_is_told_in_full_behind_its_beginning():
    class Own:
        def detect(self, images):
            raise RuntimeError("a word " * 30 + "at the end")

    (error,) = FaceAligner(Alignment(), Own()).detect([PICTURE])
    assert str(error).endswith("a word at the end")


def test_a_detector_that_ends_the_program_is_heard():
    class Own:
        def detect(self, images):
            yield [GOOD]
            sys.exit(3)

    found = FaceAligner(Alignment(), Own()).detect([PICTURE, PICTURE])
    assert [type(of) for of in found] == [DetectorError] * 2
    assert "Own failed, SystemExit, 3. It must return" in str(found[0])


def test_what_prepare_counts_failures_by_names_the_class_and_the_reason():
    class Own:
        def detect(self, images):
            raise RuntimeError("no weights: weights.bin is missing.\nFetch it; then try again.")

    (error,) = FaceAligner(Alignment(), Own()).detect([PICTURE])
    (kind,) = kinds_of([Skipped("a.jpg", str(error)), Skipped("b.jpg", str(error))])
    assert kind.fault.startswith(f"the detector {__name__}:") and kind.count == 2
    assert kind.fault.endswith(
        "Own failed, RuntimeError, no weights, weights.bin is missing, Fetch it, then try again"
    )


def test_faces_are_put_from_left_to_right_and_their_boxes_cut_at_the_edges():
    boxes = [(30, 5, 10, 10), (-4, -2, 10, 12), (41, 50, 20, 20), (12.5, 0, 9, 60)]
    faces = [face_with(box=box) for box in boxes]
    (found,) = FaceAligner(Alignment(), Own(faces)).detect([np.zeros_like(PICTURE)])
    expected = [(0, 0, 6, 10), (12.5, 0, 9, 60), (30, 5, 10, 10), (41, 50, 9, 10)]
    assert [face.box for face in found] == expected


def test_the_range_of_a_score_is_told():
    (error,) = FaceAligner(Alignment(), Own([face_with(score=7)])).detect([np.zeros_like(PICTURE)])
    assert "the score 7.0. It must" in str(error) and "a score from 0 to 1. Received" in str(error)


NOBODY = np.zeros((40, 40, 3), np.uint8)


@pytest.mark.parametrize(
    "detector, told",
    [
        ("auto", ["20 pixels"]),
        ("mtcnn", ["20 pixels", "upright faces only", "--detector auto"]),
        (Own([]), ["test_aligner:Own finds", "--detector auto"]),
    ],
    ids=["auto", "mtcnn", "own"],
)
def test_where_no_face_is_found_the_remedy_is_one_of_that_detector(detector, told):
    (error,) = FaceAligner(Alignment(), detector).find([Photo(NOBODY)], 32)
    assert isinstance(error, NoFaceFound) and "Received: a picture of 40 x 40" in str(error)
    everything = {"20 pixels", "upright faces only", "--detector auto", *told}
    for words in everything:
        assert (words in str(error)) == (words in told), words


def test_aligned_faces_need_no_detector():
    """As with a model that was trained on faces of a class that is not here."""
    aligner = FaceAligner(Alignment(detector="no_such_module_of_test:Own"))
    ((found,),) = aligner.find([Photo(NOBODY)], 32, detect=False)
    assert found.crop.shape == (32, 32, 3) and found.face is None
