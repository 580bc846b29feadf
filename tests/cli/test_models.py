"""`keras-dldl models`: lists shipped models from their folders, without loading one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from keras_dldl import saved_models
from keras_dldl.cli.main import cli
from keras_dldl.cli.models import COLUMNS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shipped(monkeypatch, tmp_path):
    """An installation with two models: one fully described, one with its file alone."""
    monkeypatch.setattr(saved_models, "ROOT", tmp_path)
    for name, size in (("small", 3_800_000), ("bare", 40_000)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.tflite").write_bytes(bytes(size))
    metrics = {"mae": 4.567, "n": 10, "task": "age", "parameters": 912_345, "input_size": 224}
    (tmp_path / "small" / "metrics.json").write_text(json.dumps(metrics))
    (tmp_path / "unfinished").mkdir()
    return tmp_path


def run(*args):
    return CliRunner().invoke(cli, ["models", *args])


def test_names_are_those_of_folders_with_a_model(shipped):
    assert saved_models.names() == ["bare", "small"]
    assert saved_models.folder("small") == shipped / "small"
    with pytest.raises(KeyError):
        saved_models.folder("unfinished")


def test_json_holds_every_column_of_every_model(shipped):
    result = run("--json")
    assert result.exit_code == 0
    bare, small = json.loads(result.stdout)
    assert tuple(small) == COLUMNS
    assert small == {
        "name": "small",
        "task": "age",
        "parameters": 912_345,
        "input_size": 224,
        "mae": 4.567,
        "megabytes": 3.8,
        "default": False,
        "path": str(shipped / "small" / "model.tflite"),
    }
    unknown = {column for column, value in bare.items() if value is None}
    assert unknown == {"task", "parameters", "input_size", "mae"}


def test_the_table_has_a_header_and_a_line_a_model(shipped):
    (shipped / "small").rename(shipped / "tiny-age")
    header, bare, small, _, terms = run().stdout.splitlines()
    assert header.split() == "name task parameters input size mae megabytes default".split()
    assert bare.split()[:5] == ["bare", "-", "-", "-", "-"]
    assert small.split() == ["tiny-age", "age", "912,345", "224", "4.57", "3.80", "default"]
    assert terms.startswith("For research only") and str(shipped) not in run().stdout


def test_every_default_ships_and_is_marked():
    marked = {row["name"] for row in json.loads(run("--json").stdout) if row["default"]}
    assert marked == {"tiny-age", "tiny-attractiveness"}


def test_no_models_is_said_on_stderr(monkeypatch, tmp_path):
    monkeypatch.setattr(saved_models, "ROOT", tmp_path)
    result = run()
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No models" in result.stderr
    assert json.loads(run("--json").stdout) == []


@pytest.mark.parametrize("content", ["{", "[1]", "\x00"])
def test_broken_metrics_are_named(shipped, content):
    path = shipped / "small" / "metrics.json"
    path.write_text(content)
    result = run()
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {path} must ")
    assert result.stderr.count("\n") == 1


def test_listing_loads_nothing_heavy():
    code = """
import sys
from keras_dldl.cli.main import cli
cli.main(["models"], standalone_mode=False)
print(sorted({"tensorflow", "keras", "numpy", "pandas"} & set(sys.modules)), file=sys.stderr)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert result.stderr.splitlines()[-1] == "[]"
