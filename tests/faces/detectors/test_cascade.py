"""MTCNN without TensorFlow: each network and the whole against the `mtcnn` package."""

import sys

import numpy as np
import pytest

from keras_dldl.data.synthetic import draw_crowd, draw_faces
from keras_dldl.errors import ConfigError
from keras_dldl.faces.detectors import mtcnn as detector_module
from keras_dldl.faces.detectors.cascade import AreaPyramid, covered, cut_boxes, pyramid_scales
from keras_dldl.faces.detectors.cascade_networks import CascadeNetworks
from keras_dldl.faces.detectors.mtcnn import MTCNNDetector
from keras_dldl.faces.detectors.mtcnn_package import load_networks

PIXELS = 0.01  # real faces differ by less than 0.001


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_DLDL_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def networks():
    return CascadeNetworks()


@pytest.fixture(scope="module")
def package():
    return load_networks()


@pytest.mark.parametrize(
    ("name", "stage", "shapes"),
    [
        ("proposal", 0, [(2, 12, 12, 3), (1, 33, 50, 3), (2, 57, 13, 3)]),
        ("refinement", 1, [(5, 24, 24, 3), (1, 24, 24, 3)]),
        ("output", 2, [(3, 48, 48, 3)]),
    ],
)
def test_each_network_is_that_of_the_package(networks, package, name, stage, shapes):
    own = getattr(package.stages[stage], "_stage", package.stages[stage])._model
    for shape in shapes:
        images = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        outputs = getattr(networks, name)(images)
        *offsets, scores = [np.asarray(part) for part in own(images)]
        count = len(shape)
        spread = outputs.reshape(*scores.shape[:-1], -1) if stage else outputs
        np.testing.assert_allclose(spread[..., :-2], np.concatenate(offsets, -1), atol=1e-4)
        odds = 1 / (1 + np.exp(spread[..., -2] - spread[..., -1]))
        np.testing.assert_allclose(odds, scores[..., 1], atol=1e-5)
        assert outputs.ndim == count


def test_the_same_faces_as_the_package():
    images = [face.image for face in draw_faces(12, seed=1, size=160)]
    crowd = draw_crowd([20, 40, 60], seed=1)
    images += [crowd.image if hasattr(crowd, "image") else crowd[0], images[0][:, :97]]
    light = MTCNNDetector(engine="litert").detect(images)
    heavy = MTCNNDetector(engine="keras").detect(images)
    assert [len(faces) for faces in light] == [len(faces) for faces in heavy]
    assert sum(len(faces) for faces in light) >= 12
    for ours, theirs in zip(sum(light, []), sum(heavy, []), strict=True):
        np.testing.assert_allclose(ours.box, theirs.box, atol=PIXELS)
        np.testing.assert_allclose(ours.landmarks, theirs.landmarks, atol=PIXELS)
        assert ours.score == pytest.approx(theirs.score, abs=1e-4)


@pytest.mark.parametrize("shape", [(24, 24), (25, 300), (480, 640), (1280, 31)])
def test_the_sizes_are_those_of_the_package(shape):
    from mtcnn.utils.images import build_scale_pyramid

    wanted = build_scale_pyramid(shape[1], shape[0], min_face_size=20, scale_factor=0.709)
    np.testing.assert_allclose(pyramid_scales(*shape), wanted)
    assert min(int(side * scale) for side in shape for scale in wanted) >= 12


@pytest.mark.parametrize("of_smaller", [False, True])
def test_overlaps_by_a_slow_loop(of_smaller, monkeypatch):
    monkeypatch.setattr("keras_dldl.faces.detectors.cascade.COMPARED_AT_ONCE", 7)
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 60, (40, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(5, 40, (40, 2))], axis=1)
    found = np.concatenate(list(covered(boxes, 0.3, of_smaller)))
    for j, (x1, y1, x2, y2) in enumerate(boxes):
        shares = []
        for u1, v1, u2, v2 in boxes[:j]:
            common = max(0, min(x2, u2) - max(x1, u1)) * max(0, min(y2, v2) - max(y1, v1))
            a, b = (x2 - x1) * (y2 - y1), (u2 - u1) * (v2 - v1)
            shares.append(common / (min(a, b) if of_smaller else a + b - common))
        assert found[j] == any(share > 0.3 for share in shares)


def test_engines_of_the_detector(monkeypatch):
    monkeypatch.setenv("KERAS_DLDL_ENGINE", "keras")
    assert MTCNNDetector().engine == "keras"
    assert MTCNNDetector(engine="onnx").engine == "onnx"
    with pytest.raises(ConfigError, match="`engine`.*Received: engine='torch'"):
        MTCNNDetector(engine="torch")
    monkeypatch.setenv("KERAS_DLDL_ENGINE", "torch")
    with pytest.raises(ConfigError, match="KERAS_DLDL_ENGINE"):
        MTCNNDetector()


def test_auto_falls_back_to_the_package(monkeypatch, caplog):
    asked = []

    class Package:
        def detect_faces(self, images, **options):
            asked.append(len(images))
            return np.empty((0, 16))

    def broken():
        raise OSError("no weights")

    images = [np.zeros((60, 60, 3), np.uint8)] * 2
    monkeypatch.setattr("keras_dldl.faces.detectors.mtcnn_package.load_networks", Package)
    monkeypatch.setattr("keras_dldl.faces.detectors.cascade_networks.CascadeNetworks", broken)
    assert MTCNNDetector(engine="auto", border=0).detect(images) == [[], []]
    assert asked == [2] and "no weights" in caplog.text
    with pytest.raises(OSError, match="no weights"):
        MTCNNDetector(engine="litert").detect(images)
    monkeypatch.setattr(detector_module, "is_installed", lambda engine: False)
    assert MTCNNDetector(engine="onnx", border=0).detect(images) == [[], []]
    assert asked == [2, 2]


def test_what_is_not_installed_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_DLDL_CACHE_DIR", str(tmp_path))  # nothing is converted there
    images = [np.zeros((60, 60, 3), np.uint8)]
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "ai_edge_litert", None)
        with pytest.raises(ConfigError, match=r"pip install ai-edge-litert\. Received: "):
            MTCNNDetector(engine="litert").detect(images)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for engine in ("auto", "keras", "litert"):
        with pytest.raises(ConfigError, match=r"pip install mtcnn\. Received: it is not installed"):
            MTCNNDetector(engine=engine).detect(images)


def test_many_threads_find_the_same():
    from concurrent.futures import ThreadPoolExecutor

    detector = MTCNNDetector(engine="litert")
    images = [face.image for face in draw_faces(12, seed=4, size=120)]
    alone = [detector.detect([image])[0] for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda image: detector.detect([image])[0], images))
    for ours, theirs in zip(together, alone, strict=True):
        assert [face.box for face in ours] == [face.box for face in theirs]


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("size", [(31, 17), (12, 40), (50, 50), (50, 61), (1, 1), (49, 3)])
def test_areas_are_those_of_tensorflow(size):
    import tensorflow as tf

    images = noise(2, 50, 61, 3)
    wanted = tf.image.resize(images.astype(np.float32), size, "area").numpy()
    np.testing.assert_allclose(AreaPyramid(images).resized(*size), wanted, atol=1e-3)


def test_an_area_by_hand():
    row = np.array([0, 10, 20, 30, 40], np.uint8).reshape(1, 1, 5, 1)
    # 2.5 pixels each: (0 + 10 + 20 / 2) / 2.5 and (20 / 2 + 30 + 40) / 2.5
    assert AreaPyramid(row).resized(1, 2).ravel() == pytest.approx([8.0, 32.0])


def test_boxes_are_those_of_tensorflow():
    import tensorflow as tf

    images = noise(3, 40, 70, 3)
    rng = np.random.default_rng(1)
    corners = rng.uniform(-0.2, 1.2, (60, 4))
    boxes = np.column_stack([rng.integers(0, 3, 60), corners])
    wanted = tf.image.crop_and_resize(
        images.astype(np.float32),
        corners[:, [1, 0, 3, 2]],
        boxes[:, 0].astype(int),
        (24, 24),
        extrapolation_value=127.5,
    ).numpy()
    found = cut_boxes(images, boxes, 24, outside=127.5)
    assert found.dtype == np.float32
    # A point on the very edge may fall to either side of it.
    assert (np.abs(found - wanted) < 0.02).mean() > 0.9999


def test_a_whole_image_as_a_box():
    images = noise(1, 24, 24, 3)
    np.testing.assert_allclose(cut_boxes(images, np.array([[0, 0, 0, 1, 1.0]]), 24), images)
