import json

import pytest
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from keras_dldl.comparison import Comparison
from keras_dldl.comparison.cells import FAILED, CellResult
from tests.training.small_data import MINI, write_small_data

pytestmark = pytest.mark.usefixtures("mini_backbone")

SETTINGS = [text for key, value in MINI.items() for text in ("--set", f"{key}={value}")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_data(tmp_path_factory.mktemp("data"))


def invoke(*arguments):
    return CliRunner().invoke(cli, ["--log-level", "error", "compare", *map(str, arguments)])


def test_from_nothing_to_a_table_and_on(folder, tmp_path):
    common = ["--data", folder, "--out", tmp_path / "out", "--split", "val", *SETTINGS]
    common += ["--methods", "dldl-v2", "--epochs", 1]
    first = invoke(*common)
    assert first.exit_code == 0, first.output
    assert "MAE (years)" in first.stdout and "one seed only" in first.stdout
    again = invoke(*common, "--json")
    assert json.loads(again.stdout) == json.loads(
        (tmp_path / "out" / "comparison.json").read_text()
    )
    other = invoke(*common, "--set", "batch_size=4")
    assert other.exit_code == 2
    assert "batch_size: 8 before, 4 now" in other.stderr


def test_dry_run_names_the_cells(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_dldl.comparison.runner.measured_cost", lambda *_: (40, 10))
    common = ["--data", folder, "--out", tmp_path / "out", "--split", "val", *SETTINGS]
    shown = invoke(*common, "--methods", "er,dldl", "--grid", "sigma=1,2", "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines() == [
        "er sigma=1, seed 0: new",
        "er, seed 0: new",
        "dldl sigma=1, seed 0: new",
        "dldl, seed 0: new",
        "4 cells, about 6 min to go",
    ]
    as_json = json.loads(invoke(*common, "--methods", "er", "--dry-run", "--json").stdout)
    assert as_json == {"cells": [{"variant": "er", "seed": 0, "state": "new"}], "seconds": 90.0}
    assert not (tmp_path / "out").exists()


def test_failed_cells_end_in_exit_status_1(folder, tmp_path, monkeypatch):
    failed = (CellResult("er", 2, FAILED, {}, "The loss is not finite."),)

    def done(plan, out, **options):
        return Comparison(out, {"variants": []}, failed)

    monkeypatch.setattr("keras_dldl.comparison.compare", done)
    result = invoke("--data", folder, "--out", tmp_path, "--methods", "er", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"variants": []}
    assert "1 failed; the first, er, seed 2: The loss is not finite." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "named"),
    [
        ([], 2, "needs something to compare"),
        (["--methods", "er", "--seeds", "0"], 2, "x>=1"),
        (["--models", "tiny-age-ned", "--split", "val"], 2, "'tiny-age-net', 'thin-age-net'"),
        (["--methods", "er", "--plan", "nowhere.yaml"], 2, "cannot be read"),
        (["--methods", "er"], 1, "no rows of split 'test'"),
        (None, 2, "A comparison needs data"),
    ],
)
def test_bad_usage(folder, tmp_path, arguments, status, named):
    given = ["--methods", "er"] if arguments is None else ["--data", folder, *arguments]
    result = invoke("--out", tmp_path / "out", *given)
    assert result.exit_code == status
    assert named in result.stderr
    assert not (tmp_path / "out").exists()
