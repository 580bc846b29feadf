"""`keras-dldl join`: a wider model, never over a file that is there, models that do not fit."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from keras_dldl.labels import LabelGrid
from keras_dldl.models import build_model, load_model


def run(*arguments):
    return CliRunner().invoke(cli, ["join", *map(str, arguments)])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, size in (("a", 32), ("b", 32), ("larger", 48)):
        build_model("tiny-age-net", LabelGrid.age(), input_size=size).save(folder / f"{name}.keras")
    return {path.stem: path for path in folder.iterdir()}


def test_it_writes_a_wider_model(files, tmp_path):
    out = tmp_path / "wide.keras"
    result = run(files["a"], files["b"], "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["backbone"] == "thin-age-net"
    face = np.full((1, 32, 32, 3), 90.0, "float32")
    logits = [load_model(path).training_model()(face) for path in (files["a"], files["b"], out)]
    np.testing.assert_allclose(logits[2], (logits[0] + logits[1]) / 2, rtol=1e-3, atol=1e-4)

    assert run(files["a"], files["b"], "--out", out).exit_code == 1
    assert "written" in run(files["a"], files["b"], "--out", out, "--force").stdout


def test_models_that_do_not_fit_are_refused_in_one_line(files, tmp_path):
    out = tmp_path / "wide.keras"
    result = run(files["a"], files["larger"], "--out", out)
    assert result.exit_code == 2 and "input_size 32 and 48" in result.stderr
    assert run(files["a"], tmp_path / "none.keras", "--out", out).exit_code == 1
    assert not out.exists()
