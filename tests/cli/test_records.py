"""`keras-dldl records`: bad shards are named, and the exit status tells of them."""

import json

import pytest
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from tests.prepared_folders import write_shards

SECOND = "00001-of-00003.tfrecord"


def run(*arguments):
    return CliRunner().invoke(cli, ["records", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path):
    return write_shards(tmp_path / "data", train=(3, 2), val=(2,))


def test_verify_a_whole_folder(folder):
    result = run("verify", folder)
    assert result.exit_code == 0, result.output
    assert "3 shards, 7 records" in result.stdout and "0 bad, by SHA-256" in result.stdout


def test_verify_names_what_is_bad(folder):
    path = folder / "faces" / SECOND
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-1])
    result = run("verify", folder)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[:3] == [
        f"{SECOND}  cut short",
        f"  expected  {size:,} bytes",
        f"  found     {size - 1:,}",
    ]
    assert f"with 1 bad: {SECOND}" in result.stderr
    as_json = run("verify", folder, "--json", "--debug")
    assert as_json.exit_code == 1
    assert [of["state"] for of in json.loads(as_json.stdout)["bad"]] == ["cut short"]
    assert "Traceback" in as_json.stderr  # common options hold for the parts of a group


def test_info(folder):
    result = run("info", folder)
    assert result.exit_code == 0, result.output
    assert "source    synthetic" in result.stdout and "size      32 pixels" in result.stdout
    assert "shards    3 of 7 faces" in result.stdout
    rows = {line.split()[0]: line.split()[1] for line in result.stdout.splitlines()[-3:]}
    assert rows == {"train": "5", "val": "2", "test": "0"}
    assert json.loads(run("info", folder, "--json").stdout)["records"] == 7


def test_extract(folder, tmp_path):
    result = run("extract", folder, "--out", tmp_path / "out", "--split", "val")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"written  2 images into {tmp_path / 'out'}\n"
    assert len(list((tmp_path / "out").rglob("*.jpg"))) == 2


@pytest.mark.parametrize("part", ["verify", "info"])
def test_a_folder_that_is_not_prepared_data(tmp_path, part):
    result = run(part, tmp_path)
    assert result.exit_code == 1 and "not prepared data" in result.stderr
