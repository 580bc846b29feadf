"""`keras-dldl average`: the mean of two models, never over a file that is there."""

import json

import numpy as np
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from keras_dldl.models import load_model
from tests.models.test_combining import made


def run(*arguments):
    return CliRunner().invoke(cli, ["average", *map(str, arguments)])


def test_it_writes_the_mean(tmp_path):
    files = [tmp_path / f"{k}.keras" for k in range(2)]
    for k, path in enumerate(files):
        made(k).save(path)
    out = tmp_path / "mean.keras"
    result = run(*files, "--out", out, "--weight", 0.25, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["backbone"] == "tiny-age-net"
    first, second, mean = (load_model(path).get_weights() for path in (*files, out))
    np.testing.assert_allclose(mean[0], 0.25 * first[0] + 0.75 * second[0], rtol=1e-5, atol=1e-7)
    assert run(*files, "--out", out).exit_code == 1
    assert "written" in run(*files, "--out", out, "--force").stdout


def test_models_that_do_not_fit_are_refused_in_one_line(tmp_path):
    made(0).save(tmp_path / "a.keras")
    made(1, input_size=64).save(tmp_path / "b.keras")
    result = run(tmp_path / "a.keras", tmp_path / "b.keras", "--out", tmp_path / "c.keras")
    assert result.exit_code == 2 and "input_size 48 and 64" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "c.keras").exists()
