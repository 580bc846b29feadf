"""`keras-dldl export`: a folder, a line of comparison, exit statuses."""

import json

import pytest
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from tests.evaluation.given import run_in_process, tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    tiny_model().save(path)
    return path


def write_nothing_but_the_marker(monkeypatch):
    from keras_dldl.export import parity, saved_model

    def write(model, folder, mirror):
        (folder / "saved_model.pb").touch()
        (folder / "assets.extra").mkdir()

    monkeypatch.setattr(parity, "compare", lambda *_: parity.Parity(0, 0, 0, "years", 1))
    monkeypatch.setattr(saved_model, "write", write)


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


def test_versions_are_numbered_and_a_users_settings_kept(model, tmp_path, monkeypatch):
    write_nothing_but_the_marker(monkeypatch)
    given = "--model", model, "--out", tmp_path / "age", "--version"
    assert run(*given, "auto").exit_code == 0
    (tmp_path / "age" / "docker-compose.yml").write_text("services: {}\n")
    result = run(*given, "auto")
    assert result.exit_code == 0, result.stderr
    assert f"written     {tmp_path / 'age' / '2'} " in result.stdout
    assert (tmp_path / "age" / "docker-compose.yml").read_text() == "services: {}\n"
    assert 'name: "age"' in (tmp_path / "age" / "models.config").read_text()

    again = run(*given, "2")
    assert again.exit_code == 1
    assert "--force" in again.stderr


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
