"""`keras-dldl average` and `join`: two models as one, never over a file that is there."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from keras_dldl.labels import LabelGrid
from keras_dldl.models import build_model, load_model


def run(*arguments):
    return CliRunner().invoke(cli, [*map(str, arguments)])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, size in (("a", 32), ("b", 32), ("larger", 48)):
        build_model("tiny-age-net", LabelGrid.age(), input_size=size).save(folder / f"{name}.keras")
    return {path.stem: path for path in folder.iterdir()}


def test_average_writes_the_mean_of_the_weights(files, tmp_path):
    out = tmp_path / "mean.keras"
    result = run("average", files["a"], files["b"], "--out", out, "--weight", 0.25, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["backbone"] == "tiny-age-net"
    paths = (files["a"], files["b"], out)
    first, second, mean = (load_model(path).get_weights() for path in paths)
    np.testing.assert_allclose(mean[0], 0.25 * first[0] + 0.75 * second[0], rtol=1e-5, atol=1e-7)


def test_join_writes_a_wider_model(files, tmp_path):
    out = tmp_path / "wide.keras"
    result = run("join", files["a"], files["b"], "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["backbone"] == "thin-age-net"
    face = np.full((1, 32, 32, 3), 90.0, "float32")
    logits = [load_model(path).training_model()(face) for path in (files["a"], files["b"], out)]
    np.testing.assert_allclose(logits[2], (logits[0] + logits[1]) / 2, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("command", ["average", "join"])
def test_models_that_do_not_fit_and_files_that_are_there_are_refused(command, files, tmp_path):
    out = tmp_path / "new.keras"
    result = run(command, files["a"], files["larger"], "--out", out)
    assert result.exit_code == 2 and "input_size 32 and 48" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert run(command, files["a"], tmp_path / "none.keras", "--out", out).exit_code == 1
    assert not out.exists()
    out.write_text("there")
    assert run(command, files["a"], files["b"], "--out", out).exit_code == 1
    result = run(command, files["a"], tmp_path / "none.keras", "--out", tmp_path / "new.h5")
    assert result.exit_code == 2 and "ends in .keras. Received: --out" in result.stderr


def test_a_file_is_replaced_where_that_was_asked_for(files, tmp_path):
    out = tmp_path / "new.keras"
    out.write_text("there")
    result = run("average", files["a"], files["b"], "--out", out, "--force")
    assert "written" in result.stdout and load_model(out).backbone_name == "tiny-age-net"
