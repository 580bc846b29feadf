"""`keras-dldl import-torch7`: a file of another program, a model of ours, exit statuses."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from keras_dldl.models import load_model
from keras_dldl.models.backbones.age_net import TINY_WIDTHS
from tests.importing.networks import Maker, joint, simple
from tests.importing.t7_writer import Function, Module, as_t7


def run(*arguments):
    return CliRunner().invoke(cli, ["import-torch7", *map(str, arguments)])


def write(folder, name="network.t7", head=True):
    maker = Maker(0)
    ends = [maker.linear(128, 101), simple("nn.SoftMax"), joint(np.arange(101.0))]
    path = folder / name
    path.write_bytes(as_t7(maker.age_net(TINY_WIDTHS, 1, ends if head else [])))
    return path


def test_it_writes_a_model_and_says_what_it_is(tmp_path):
    out = tmp_path / "model.keras"
    given = write(tmp_path), "--out", out, "--input-size", 32, "--margin", 0.4
    result = run(*given)
    assert result.exit_code == 0, result.stderr
    assert "dldl-v2" in result.stdout
    assert "0 ... 100 years, step 1" in result.stdout
    assert load_model(out).alignment.margin == 0.4

    again = run(*given)
    assert again.exit_code == 1
    assert "--force" in again.stderr
    forced = json.loads(run(*given, "--force", "--json").stdout)
    assert (forced["head"], forced["grid"]["stop"], forced["input_size"]) == (True, 100.0, 32)


def test_a_network_without_a_head_is_to_start_from(tmp_path):
    out = tmp_path / "faces.keras"
    result = run(write(tmp_path, head=False), "--out", out, "--input-size", 32)
    assert result.exit_code == 0, result.stderr
    assert f"keras-dldl train --init {out}" in result.stdout


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--input-size", "8"], 2, "--input-size"),
        (["--input-size", "100"], 2, "such as 32"),
        (["--grid", "years"], 2, "START:STOP:STEP"),
        (["--grid", "0:50:1"], 2, "of no known grid"),
        (["--method", "dlld"], 2, "dldl"),
        (["--method", "mr-l2"], 2, "a head of 101 outputs"),
        (["--margin", "7"], 2, "margin"),
        (["--out", "model.h5"], 2, ".keras"),
    ],
)
def test_wrong_usage_ends_in_status_2(tmp_path, monkeypatch, options, status, words):
    monkeypatch.chdir(tmp_path)
    result = run(write(tmp_path), "--out", "model.keras", "--input-size", 32, *options)
    assert (result.exit_code, words in result.stderr) == (status, True), result.stderr
    assert not list(tmp_path.glob("*.keras"))


@pytest.mark.parametrize("content", [b"", b"no network", as_t7(Module("nn.gModule"))])
def test_a_file_that_is_no_network_ends_in_one_line(tmp_path, content):
    path = tmp_path / "network.t7"
    path.write_bytes(content)
    result = run(path, "--out", tmp_path / "model.keras")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: A Torch7 file must be")
    assert len(result.stderr.splitlines()) == 1
    path.write_bytes(as_t7([Function(b"os.exit()")]))
    assert "never run" in run(path, "--out", tmp_path / "model.keras").stderr
