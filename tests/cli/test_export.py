"""`keras-dldl export`: a folder, a line of comparison, exit statuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from keras_dldl.export import ExportResult, Parity
from tests.evaluation.given import mini_model, run_in_process


@pytest.fixture(scope="module")
def model(tmp_path_factory, mini_backbone):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    mini_model().save(path)
    return path


def run(*arguments):
    return CliRunner().invoke(cli, ["export", *map(str, arguments)])


def test_it_writes_compares_and_refuses_to_overwrite(model, tmp_path, monkeypatch):
    run_in_process(monkeypatch)
    given = "--model", model, "--format", "saved-model", "--out", tmp_path / "m"
    result = run(*given)
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "m" / "saved_model.pb").is_file()
    assert "years from Keras" in result.stdout

    again = run(*given)
    assert again.exit_code == 1
    assert "--force" in again.stderr

    forced = run(*given, "--force", "--json")
    found = json.loads(forced.stdout)
    assert found["path"] == str(tmp_path / "m")
    assert found["parity"]["value"] < 1e-3


def test_options_are_passed_on_and_the_difference_is_told(tmp_path, monkeypatch):
    given = []

    def export_model(*arguments, **options):
        given.append((arguments, options))
        return ExportResult(Path("age/4"), 1_500_000, Parity(0.02, 0, 0, "points", 7, 0.01))

    monkeypatch.setattr("keras_dldl.export.export_model", export_model)
    words = "--model m --out age --version auto --no-mirror --images faces --precision float16"
    monkeypatch.chdir(tmp_path)
    Path("faces").mkdir()
    result = run(*words.split(), "--force")
    assert result.stdout == (
        "written     age/4 (1.5 MB)\n"
        "difference  at most 0.02 points from Keras, 0.01 in the mean, over 7 images\n"
    )
    options = {"version": "auto", "mirror": False, "precision": "float16", "calibrate": None}
    options |= {"images": "faces", "with_keras": False, "force": True}
    assert given == [(("m", "saved-model", "age"), options)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--format", "openvino"),
        ("--version", "0"),
        ("--version", "new"),
        ("--format", "onnx", "--version", "1"),
        ("--format", "onnx", "--precision", "int8"),
        ("--format", "litert", "--precision", "int8"),
        ("--precision", "float16"),
        (),
    ],
)
def test_wrong_usage_ends_in_status_2(model, tmp_path, arguments):
    given = ("--model", model, "--out", tmp_path) if arguments else ("--model", model)
    assert run(*given, *arguments).exit_code == 2


def test_a_file_that_is_no_model_ends_in_one_line(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"no model")
    result = run("--model", tmp_path / "model.keras", "--out", tmp_path / "m")
    assert result.exit_code == 1
    assert "not a .keras archive" in result.stderr
    assert not (tmp_path / "m").exists()
