"""`keras-dldl predict` on folders and lists: JSON lines, speed, faults on the way."""

import json

import pytest
from click.testing import CliRunner
from PIL import Image

from keras_dldl.cli.main import cli
from keras_dldl.faces import aligner
from tests.prediction_case import FakeDetector, picture, random_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "age.keras"
    random_model().save(path)
    return str(path)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(aligner, "as_detector", lambda *_: FakeDetector())
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for k in range(20):
        folder = tmp_path / "in" / ("deep" if k % 2 else "")
        Image.fromarray(picture(k % 3, k)).save(folder / f"{k:02d}.png")
    (tmp_path / "in" / "bad.jpg").write_text("no picture")
    return tmp_path


def run(*arguments, stdin=None):
    return CliRunner().invoke(cli, ["predict", *arguments], input=stdin)


def test_a_folder_as_json_lines(model):
    result = run("in", "--json-lines", "--model", model, "--workers", "3")
    assert result.exit_code == 1  # of the bad picture
    items = [json.loads(line) for line in result.stdout.splitlines()]
    assert [item["path"] for item in items] == sorted(item["path"] for item in items)
    assert len(items) == 21
    faults = {item["path"]: item["error"] for item in items if item["error"]}
    assert "in/bad.jpg" in faults and len(faults) == 1 + 7  # seven pictures without a face
    whole = json.loads(run("in", "--json", "--model", model).stdout)
    for ours, theirs in zip(items, whole, strict=True):
        assert ours["path"] == theirs["path"] and len(ours["faces"]) == len(theirs["faces"])
        values = [[face["value"] for face in item["faces"]] for item in (ours, theirs)]
        assert values[0] == pytest.approx(values[1], rel=1e-5)
    assert "21 images in " in result.stderr and "images per second" in result.stderr
    assert "predict: 21/21" in result.stderr


def test_lists_and_patterns_of_few_are_silent(model):
    result = run("@-", "--model", model, stdin="in/04.png\nin/1*.png\n")
    assert result.exit_code == 1 and "in/12.png: no face" in " ".join(result.stderr.split())
    names = [line.split(":")[0] for line in result.stdout.splitlines()]
    assert names == ["in/04.png", "in/10.png", "in/14.png", "in/14.png", "in/16.png"]
    assert "per second" not in result.stderr and "predict:" not in result.stderr


def test_wrong_usage(model):
    both = run("in", "--json", "--json-lines")
    assert both.exit_code == 2 and "exclude each other" in both.stderr
    assert run("in", "--engine", "torch").exit_code == 2
    empty = run("@-", "--model", model, stdin="\n")
    assert empty.exit_code == 2 and "No IMAGE is left" in empty.stderr
    missing = run("@nope.txt", "--model", model)
    assert missing.exit_code == 1 and "a path a line" in missing.stderr


def test_an_engine_that_cannot_run_the_file_ends_in_status_2(model, place):
    (place / "m.tflite").write_bytes(b"no model")
    wrong = run("in/01.png", "--model", "m.tflite", "--engine", "keras")
    assert wrong.exit_code == 2 and "is run by the engine" in wrong.stderr
    damaged = run("in/01.png", "--model", "m.tflite")
    assert damaged.exit_code == 1 and "m.tflite" in damaged.stderr
