"""Which engine opens a model; predictions without TensorFlow, also of a model of one's own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_dldl.data.synthetic import draw_face
from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.export import export_model, exporter, keep_light_copy
from keras_dldl.labels import LabelGrid
from keras_dldl.predict import PredictOptions, Predictor, predict_age
from keras_dldl.runtime import Network, open_network, opening
from keras_dldl.runtime.card import ModelCard
from keras_dldl.runtime.opening import open_file
from keras_dldl.saved_models import find_model
from tests.prediction_case import FakeDetector, picture, random_model

ROOT = Path(__file__).parents[2]
HEAVY = {"tensorflow", "keras", "mtcnn", "scipy", "skimage", "pandas", "matplotlib"}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("KERAS_DLDL_CACHE_DIR", str(folder))
    monkeypatch.delenv("KERAS_DLDL_ENGINE", raising=False)
    return folder


@pytest.fixture(scope="module")
def model():
    return random_model()


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    model.save(folder / "own.keras")
    with pytest.MonkeyPatch.context() as patch:  # the comparison is tested elsewhere
        patch.setattr(exporter.parity, "compare", lambda *arguments: None)
        export_model(model, "litert", folder / "own.tflite")
        export_model(model, "onnx", folder / "own.onnx", mirror=False)
        export_model(model, "saved-model", folder / "served", version=3)
    (folder / "served" / "2").mkdir()
    (folder / "served" / "2" / "saved_model.pb").touch()  # 3 is taken
    return folder


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "face.png"
    Image.fromarray(draw_face(40, np.random.default_rng(3), size=160).image).save(path)
    return path


def in_new_process(code, *arguments, **environment):
    """Run code in a process of its own; return its output and what it has loaded of HEAVY."""
    code += "\nimport sys; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip(), HEAVY & set(done.stderr.split())


PREDICT = """
import sys
from keras_dldl import predict_age
print(repr(float(predict_age(*sys.argv[1:]))))"""


def test_the_command_line_predicts_without_tensorflow(photo, tmp_path):
    (tmp_path / "in").mkdir()
    for k in range(3):
        (tmp_path / "in" / f"{k}.png").write_bytes(photo.read_bytes())
    code = (
        "import sys; from keras_dldl.cli.main import cli; "
        "cli.main(['predict', *sys.argv[1:], '--json-lines'], standalone_mode=False)"
    )
    lines, loaded = in_new_process(code, tmp_path / "in", photo)
    assert loaded == set()
    items = [json.loads(line) for line in lines.splitlines()]
    assert [item["path"][-5:] for item in items] == ["0.png", "1.png", "2.png", "e.png"]
    (value,) = {item["faces"][0]["value"] for item in items}
    # A thousandth of a pixel rounds some pixels otherwise: real photos differ by 0.014 at most.
    assert value == pytest.approx(predict_age(photo, engine="keras").value, abs=0.05)


@pytest.mark.slow
def test_a_model_of_ones_own_is_converted_once_and_apart(files, photo, cache):
    first, loaded = in_new_process(PREDICT, photo, files / "own.keras")
    assert loaded == set()
    kept = sorted(path.name for path in cache.glob("model-litert-*"))
    assert len([name for name in kept if not name.endswith(".lock")]) == 1
    again, loaded = in_new_process(PREDICT, photo, files / "own.keras", PATH="")
    assert loaded == set() and again == first
    wanted = predict_age(photo, files / "own.keras", engine="keras").value
    assert float(first) == pytest.approx(wanted, abs=0.05)


@pytest.mark.slow
def test_a_copy_made_ahead_serves_the_first_prediction(files, monkeypatch, caplog):
    caplog.set_level("INFO", "keras_dldl")
    keep_light_copy(files / "own.keras")
    assert "is converted" in caplog.text and "Received" not in caplog.text
    monkeypatch.setattr(subprocess, "run", None)  # what would convert it
    assert open_file(files / "own.keras", "litert").engine == "litert"


def test_a_copy_that_cannot_be_made_ahead_is_no_error(tmp_path, caplog):
    caplog.set_level("INFO", "keras_dldl")
    (tmp_path / "model.keras").write_bytes(b"not a model")
    keep_light_copy(tmp_path / "model.keras")
    assert "The first prediction makes the LiteRT copy. Received, here: " in caplog.text


QUIET = """
import os, sys, threading
from keras_dldl.runtime import open_network
import numpy as np
network = open_network(sys.argv[1])
ask = lambda: network.views(np.zeros((1, 112, 112, 3), np.float32))
threads = [threading.Thread(target=ask) for _ in range(int(sys.argv[2]))]
for thread in threads:
    thread.start()
ask()
for thread in threads:
    thread.join()
os.write(2, b"still there")"""


@pytest.mark.parametrize("threads", ["0", "3"])
def test_the_first_network_writes_nothing_to_stderr(threads):
    path = find_model("tiny-age").with_name("model.tflite")
    command = [sys.executable, "-c", QUIET, path, threads]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stderr == "still there"


@pytest.mark.parametrize(
    ("name", "engine", "kind"),
    [
        ("own.keras", "auto", "keras"),  # Keras is loaded here already
        ("own.keras", "keras", "keras"),
        ("own.tflite", "auto", "litert"),
        ("own.tflite", "litert", "litert"),
        ("own.onnx", "auto", "onnx"),
        ("own.onnx", "onnx", "onnx"),
        ("served", "auto", "saved-model"),
        ("served/3", "auto", "saved-model"),
    ],
)
def test_engines_of_files(files, model, name, engine, kind):
    opened = open_network(files / name, engine=engine)
    assert opened.engine == kind
    images, options = [picture(1), picture(2, 1)], PredictOptions(all_faces=True)
    found, wanted = (
        list(Predictor(of, "age", FakeDetector()).predict(images, options))
        for of in (opened, model)
    )
    for ours, theirs in zip(sum(found, []), sum(wanted, []), strict=True):
        assert ours.value == pytest.approx(theirs.value, abs=1e-3)


def test_a_shipped_model_is_run_by_any_engine():
    path = find_model("tiny-age")
    assert open_file(path).engine == "litert"
    assert open_file(path, "keras").engine == "keras"


@pytest.mark.parametrize(
    ("name", "engine"),
    [("own.tflite", "keras"), ("own.onnx", "litert"), ("served/3", "litert")],
)
def test_engines_that_cannot_run_a_file(files, name, engine):
    with pytest.raises(ConfigError, match=f"is run by the engine.*engine='{engine}'"):
        open_file(files / name, engine)


def test_loaded_models_have_their_engine(model, files, monkeypatch):
    assert open_network(model, "age", "keras").face_model() is model
    light = open_file(files / "own.tflite")
    assert open_network(light, None, "litert") is light
    for given, engine in ((model, "litert"), (light, "keras")):
        with pytest.raises(ConfigError, match="A loaded model has its engine"):
            open_network(given, None, engine)
    monkeypatch.setenv("KERAS_DLDL_ENGINE", "litert")  # a wish for files only
    assert open_network(model, "age").face_model() is model


class Halves(Network):
    """A network of a user's own: each face's labels as likely as its left half is bright."""

    def __init__(self):
        super().__init__(ModelCard("halves", LabelGrid(0, 1), 8), "own")

    def answer(self, faces):
        left = faces[:, :, :4].mean(axis=(1, 2, 3)) / 255
        return np.stack([1 - left, left], axis=1).astype(np.float32)


def test_a_network_of_ones_own_predicts_with_its_mirror_image():
    face = np.zeros((8, 8, 3), np.uint8)
    face[:, :4] = 204  # 0.8 in the image, 0 in its mirror image
    assert predict_age(face, Halves(), detect=False).value == pytest.approx(0.4)
    with pytest.raises(ConfigError, match="the .keras file of the model.*Received: halves"):
        Halves().face_model()


def test_what_only_keras_can_do_is_had_from_the_keras_file(files):
    assert open_network("tiny-age", engine="litert").face_model().name == "tiny_age_net"
    with pytest.raises(ConfigError, match="Received: .*own.tflite"):
        open_network(files / "own.tflite").face_model()


def test_the_environment_chooses(files, monkeypatch):
    monkeypatch.setenv("KERAS_DLDL_ENGINE", "keras")
    assert open_network("tiny-age", "age").engine == "keras"
    monkeypatch.setenv("KERAS_DLDL_ENGINE", "")
    assert open_network("tiny-age", "age").engine == "litert"
    monkeypatch.setenv("KERAS_DLDL_ENGINE", "tpu")
    with pytest.raises(ConfigError, match="KERAS_DLDL_ENGINE.*'tpu'"):
        open_network("tiny-age", "age")


def test_auto_falls_back_to_keras_where_conversion_fails(files, monkeypatch):
    def fail(path, engine, suffix):
        raise ModelFileError("cannot be converted")

    monkeypatch.setattr(opening, "_convert", fail)
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    assert open_file(files / "own.keras").engine == "keras"
    with pytest.raises(ModelFileError, match="cannot be converted"):
        open_file(files / "own.keras", "litert")


def test_a_conversion_that_fails_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "CONVERSION", "raise SystemExit('no such layer')")
    with pytest.raises(ModelFileError, match="engine 'onnx'; engine=\"keras\".*no such layer"):
        opening._convert(tmp_path / "m.keras", "onnx", ".onnx")


def test_without_litert_auto_is_keras(files, monkeypatch):
    monkeypatch.setattr(opening, "is_installed", lambda engine: False)
    assert open_file(find_model("tiny-age")).engine == "keras"
