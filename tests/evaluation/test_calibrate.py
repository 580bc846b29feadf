"""A model's calibration, from prepared data to a file; attractiveness and bad data, too."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from keras_dldl.calibration import Calibration, cross_fit
from keras_dldl.cli.main import cli
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.evaluation import PreparedFaces, calibrate, decode, evaluate
from keras_dldl.labels import LabelGrid
from keras_dldl.models import load_model
from keras_dldl.runtime.networks import KerasNetwork
from tests.evaluation.given import mini_model, noise, write_prepared

pytestmark = pytest.mark.usefixtures("mini_backbone")

AGE = LabelGrid.age()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a model, 220 faces of ten subjects more or less, and 40 others."""
    folder = tmp_path_factory.mktemp("place")
    mini_model().save(folder / "model.keras")
    write_prepared(folder / "data", {"val": 220, "test": 40})
    return folder


@pytest.fixture(autouse=True)
def copied(monkeypatch):
    """The model files of which the command would make the LiteRT copy, which takes seconds."""
    places = []
    monkeypatch.setattr("keras_dldl.export.keep_light_copy", places.append)
    return places


class Faces:
    """Faces in memory."""

    source, unreadable = {"kind": "memory"}, []

    def __init__(self, label, **columns):
        self.rows = pd.DataFrame({"path": [f"{i}.png" for i in range(len(label))], "label": label})
        self.rows = self.rows.assign(**columns)

    def check(self, model):
        return ["a remark"]

    def batches(self, model, batch_size):
        images = noise(len(self.rows), model.input_size)
        for first in range(0, len(images), batch_size):
            these = images[first : first + batch_size]
            yield range(first, first + len(these)), these

    def detection(self):
        return None


def ratings(count, seed=0):
    return np.random.default_rng(seed).integers(10, 51, count) / 10


def test_what_is_measured_is_what_single_steps_give(place):
    model = load_model(place / "model.keras")
    result = calibrate(place / "model.keras", place / "data", folds=4)
    rows = PreparedFaces(place / "data", split="val")
    images = np.concatenate([batch for _, batch in rows.batches(model, 64)])
    value, std = decode(np.mean(KerasNetwork(model).views(images), axis=0, dtype=np.float64), AGE)
    label = rows.rows["label"].to_numpy()
    expected = Calibration.fit(value, std, label, AGE)
    assert result.calibration == expected and result.model_file == place / "model.keras"
    held = []
    for seed in range(5):
        subject = rows.rows["subject"].to_numpy(object)
        ends = cross_fit(value, std, label, AGE, 0.9, subject=subject, folds=4, seed=seed)
        held.append(np.mean((label >= ends[:, 0]) & (label <= ends[:, 1])))
    whole = result.coverage[0]
    assert whole["labels"] == "all" and whole["n"] == 220
    assert result.by_label and result.coverage_range is None
    assert whole["coverage_after"] == pytest.approx(100 * np.mean(held))
    assert whole["coverage_after"] > 80 > whole["coverage_before"]  # an untrained model
    assert json.loads(json.dumps(result.to_dict())) == result.to_dict()


def test_attractiveness_and_a_loaded_model():
    grid = LabelGrid.scut_fbp()
    model = mini_model(grid)
    label = ratings(300)
    result = calibrate(model, Faces(label, subject=["a", None, "b"] * 100))
    assert result.remarks == ["a remark"] and result.calibration.grid == grid
    assert [row["labels"] for row in result.coverage] == ["all", "1-2", "2-3", "3-4", "4-5", "5-6"]
    assert 85 < result.coverage[0]["coverage_after"] <= 100
    with pytest.raises(ConfigError, match="model's file is needed.*Received: a loaded model"):
        result.save("x.keras")
    model.calibration = result.calibration
    assert model.get_config()["calibration"] == result.calibration.get_config()


@pytest.mark.parametrize(
    ("label", "columns", "message"),
    [
        (np.arange(29.0), {}, "30 labelled faces or more.*Received: 29"),
        (np.full(220, 30.0), {}, "must differ.*Received: 220 faces of label 30"),
        (np.arange(220.0), {}, "on the grid, 0 ... 100 years. Received: 119"),
        (np.arange(220.0) % 90, {"subject": ["one"] * 220}, "Received: 0 beside a fold of 220"),
    ],
)
def test_faces_that_cannot_be_used(label, columns, message, monkeypatch):
    monkeypatch.setattr(Faces, "batches", lambda *_: pytest.fail("predicted"))  # told before
    with pytest.raises(DataError, match=message):
        calibrate(mini_model(), Faces(label, **columns))
    if len(label) < 30:  # and before the model is opened
        with pytest.raises(DataError, match="split DATA --val 0.2"):
            calibrate("missing.keras", Faces(label))


def run(place, *arguments):
    given = ["calibrate", "--model", place / "model.keras", "--data", place / "data", *arguments]
    return CliRunner().invoke(cli, list(map(str, given)))


def test_the_command_writes_a_file_and_shows_a_table(place, tmp_path, copied):
    out = tmp_path / "c.keras"
    result = run(place, "--out", out)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "90 % intervals, width in years, 10 folds"
    assert lines[2].startswith("     all")
    assert lines[-1] == f"written {out}" and len(lines) == 2 + 1 + 10 + 1
    assert load_model(out).calibration.faces == 220 and copied == [out]
    assert load_model(place / "model.keras").calibration is None


def test_few_faces_by_the_command(place, tmp_path):
    """Forty faces: one width, and what they leave open."""
    result = run(place, "--split", "test", "--out", tmp_path / "few.keras")
    assert result.exit_code == 0, result.stderr
    assert "40 faces give one width for all labels (200 give one per label)" in result.stdout
    # k = 37 of 41: Beta(37, 4) has its central 95 % from 0.796 to 0.972.
    assert "90 % intervals hold 80 to 97 % of new faces, 95 % certain" in result.stdout
    assert len(set(load_model(tmp_path / "few.keras").calibration.upper)) == 1
    as_json = run(place, "--split", "test", "--out", tmp_path / "few.keras", "--json")
    content = json.loads(as_json.stdout)
    assert not content["by_label"]
    assert content["coverage_range"] == pytest.approx([79.6, 97.2], abs=0.1)


def test_in_place_as_json(place, tmp_path):
    copy = tmp_path / "model.keras"
    copy.write_bytes((place / "model.keras").read_bytes())
    arguments = ["calibrate", "--model", tmp_path, "--data", place / "data", "--in-place", "--json"]
    result = CliRunner().invoke(cli, list(map(str, [*arguments, "--level", 0.5])))
    assert result.exit_code == 0, result.stderr
    content = json.loads(result.stdout)
    assert content["level"] == 0.5 and content["faces"] == 220 and len(content["coverage"]) == 11
    assert load_model(copy).calibration.faces == 220


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "either --out or --in-place. Received: neither"),
        (("--out", "a.keras", "--in-place"), "Received: both"),
        (("--out", "a.h5"), "Received: --out a.h5"),
        (("--in-place", "--level", 1), "1"),
    ],
)
def test_wrong_usage(place, arguments, reason):
    result = run(place, *arguments)
    assert result.exit_code == 2 and reason in result.stderr


def test_a_shipped_model_stays_as_it_is(place):
    arguments = ["calibrate", "--model", "nano-age", "--data", str(place / "data"), "--in-place"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2 and "Give --out. Received: --model nano-age" in result.stderr


def test_a_place_that_cannot_be_written_is_told_before_the_work(place, tmp_path, monkeypatch):
    from keras_dldl import evaluation

    monkeypatch.setattr(evaluation, "calibrate", lambda *_, **__: pytest.fail("calibrated"))
    (tmp_path / "file").write_text("x")
    result = run(place, "--out", tmp_path / "file" / "c.keras")
    assert result.exit_code == 1 and "Not a directory" in result.stderr


def test_a_file_with_both_models_gets_one_calibration(place, tmp_path):
    from keras_dldl.export import export_model
    from keras_dldl.runtime import open_network

    file = tmp_path / "model.tflite"
    export_model(place / "model.keras", "litert", file, mirror=False, with_keras=True)
    result = calibrate(file, place / "data")
    result.save(tmp_path / "other.keras")
    assert load_model(file).calibration is None
    result.save(file)
    assert open_network(file, engine="litert").card.calibration == result.calibration
    for found in (load_model(file), load_model(tmp_path / "other.keras")):
        assert found.calibration == result.calibration


def test_evaluation_measures_the_calibrated_intervals(place):
    model = load_model(place / "model.keras")
    before = evaluate(model, place / "data").metrics
    model.calibration = calibrate(model, place / "data").calibration
    evaluation = evaluate(model, place / "data")
    found, rows = evaluation.metrics, evaluation.predictions
    ends = model.calibration.intervals(rows["value"], rows["std"], 0.9)
    held = (rows["label"] >= ends[:, 0]) & (rows["label"] <= ends[:, 1])
    assert found["interval_90_coverage"] == pytest.approx(100 * held.mean())
    assert found["interval_90_coverage"] > before["interval_90_coverage"]
    assert found["mae"] == before["mae"]
    assert (before["model"]["calibrated"], found["model"]["calibrated"]) == (False, True)
