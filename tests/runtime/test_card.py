"""Model files with a calibration: the same networks, the same intervals in every engine."""

import json
import zipfile

import numpy as np
import pytest

from keras_dldl.calibration import Calibration
from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.export import export_model, parity
from keras_dldl.labels import LabelGrid
from keras_dldl.models import load_model
from keras_dldl.predict import predict_age
from keras_dldl.runtime.card import write_calibrated
from tests.calibration.given import AGE, faces
from tests.prediction_case import SIZE, random_model


@pytest.fixture(scope="module")
def calibration():
    return Calibration.fit(*faces(300), AGE)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with m.keras and its LiteRT copy, both without a calibration."""
    folder = tmp_path_factory.mktemp("models")
    model = random_model()
    model.save(folder / "m.keras")
    export_model(model, "litert", folder / "m.tflite", mirror=False)
    return folder


def entries(path):
    with zipfile.ZipFile(path) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def test_a_keras_file_differs_in_its_config_alone(place, calibration, tmp_path):
    write_calibrated(place / "m.keras", calibration, tmp_path / "c.keras")
    old, new = entries(place / "m.keras"), entries(tmp_path / "c.keras")
    assert {name for name in old if old[name] != new[name]} == {"config.json"}
    was, is_now = (json.loads(files["config.json"])["config"] for files in (old, new))
    assert was.pop("calibration") is None
    assert is_now.pop("calibration") == calibration.get_config() and is_now == was
    assert load_model(tmp_path / "c.keras").calibration == calibration


def test_a_litert_file_keeps_its_network(place, calibration, tmp_path):
    write_calibrated(place / "m.tflite", calibration, tmp_path / "c.tflite")
    old, new = (place / "m.tflite").read_bytes(), (tmp_path / "c.tflite").read_bytes()
    with zipfile.ZipFile(place / "m.tflite") as archive:
        size = archive.infolist()[0].header_offset
    assert new[:size] == old[:size] and len(entries(tmp_path / "c.tflite")) == 1
    write_calibrated(tmp_path / "c.tflite", None, tmp_path / "back.tflite")
    assert (tmp_path / "back.tflite").read_bytes() == old


def test_every_engine_gives_the_same_intervals(place, calibration, tmp_path, monkeypatch):
    monkeypatch.setattr(parity, "compare", lambda *arguments: None)  # it is tested elsewhere
    for suffix in (".keras", ".tflite"):
        write_calibrated(place / f"m{suffix}", calibration, tmp_path / f"c{suffix}")
    again = load_model(tmp_path / "c.keras")
    again.save(tmp_path / "saved.keras")  # a calibration outlives another saving, and an export
    export_model(again, "onnx", tmp_path / "exported.onnx")
    face = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    names = ["c.keras", "c.tflite", "saved.keras", "exported.onnx"]
    found = [predict_age(face, tmp_path / name, detect=False) for name in names]
    for p in found:
        assert p.calibrated and p.calibration == calibration
        for level in (0.5, 0.9, 0.99):
            assert p.interval(level) == pytest.approx(found[0].interval(level), abs=1e-3)
            assert p.interval(level) == calibration.interval(p.value, p.std, level)
    plain = predict_age(face, place / "m.keras", detect=False)
    assert not plain.calibrated and plain.value == found[0].value and plain.std == found[0].std
    assert plain.interval() != found[0].interval()


def test_files_from_before_calibrations_load_as_they_did(place, tmp_path):
    with zipfile.ZipFile(tmp_path / "old.keras", "w") as archive:
        for name, content in entries(place / "m.keras").items():
            if name == "config.json":
                model = json.loads(content)
                del model["config"]["calibration"]
                content = json.dumps(model)
            archive.writestr(name, content)
    assert load_model(tmp_path / "old.keras").calibration is None


def test_in_place_and_bad_files(place, calibration, tmp_path):
    same = tmp_path / "same.keras"
    same.write_bytes((place / "m.keras").read_bytes())
    write_calibrated(same, calibration, same)
    assert load_model(same).calibration == calibration
    other = Calibration.fit(*faces(300, grid=LabelGrid.cfd()), LabelGrid.cfd())
    with pytest.raises(ConfigError, match="of the model's grid"):
        write_calibrated(same, other, same)
    for out in ("x.tflite", "x.onnx", "x"):
        with pytest.raises(ConfigError, match=r"\.keras or \.tflite.*Received"):
            write_calibrated(same, calibration, tmp_path / out)
    for name in ("bad.keras", "bad.tflite"):
        (tmp_path / name).write_bytes(b"no model")
    with zipfile.ZipFile(tmp_path / "foreign.keras", "w") as archive:
        archive.writestr("config.json", '{"config": {"layers": []}}')
    for name in ("bad.keras", "bad.tflite", "foreign.keras"):
        out = (tmp_path / "out").with_suffix(name[name.index(".") :])
        with pytest.raises(ModelFileError, match=f"that this package wrote. Received: .*{name}"):
            write_calibrated(tmp_path / name, calibration, out)
        assert not out.exists()
