"""`keras-dldl prepare`: its options reach the run; those of another source are refused."""

import sys

import pytest
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from keras_dldl.data import prepare as module


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Call the command with a run that only notes its arguments; return the result and them."""
    calls = []

    def prepare(source, root, out, options, run_jobs=None):
        calls.append((source, options))
        return module.PrepareResult(out, {"train": 1}, 1, 0, [])

    monkeypatch.setattr(module, "prepare", prepare)

    def run(*args):
        place = ("--root", str(tmp_path), "--out", str(tmp_path / "out"))
        return CliRunner().invoke(cli, ["prepare", *args, *place]), calls

    return run


@pytest.mark.parametrize(
    ("source", "option", "owner"),
    [
        ("utkface", ("--csv", "a.csv"), "csv"),
        ("aaf", ("--grid", "age"), "csv"),  # the default, but given
        ("synthetic", ("--on-bad-row", "skip"), "csv"),
        ("csv", ("--count", "1000"), "synthetic"),
    ],
)
def test_an_option_of_another_source_is_refused(run, source, option, owner):
    result, calls = run(source, *option)
    assert result.exit_code == 2 and not calls
    assert f"{option[0]} is for the source {owner} only. Received: {source}" in result.stderr


def test_the_options_of_the_source_are_taken(run):
    result, calls = run("csv", "--grid", "cfd", "--on-bad-row", "skip", "--csv", "a.csv")
    assert result.exit_code == 0, result.output
    source, options = calls[0]
    assert source.csv == "a.csv" and source.on_bad_row == "skip" and source.grid().stop == 7
    assert options == module.PrepareOptions()
    assert run("synthetic", "--count", "50")[1][1][0].count == 50


def test_max_pixels(run):
    result, calls = run("utkface", "--max-pixels", "5000")
    assert result.exit_code == 0 and calls[0][1].max_pixels == 5000
    assert run("utkface", "--max-pixels", "0")[0].exit_code == 2


def test_impossible_shares_are_refused_at_once(run):
    result, calls = run("utkface", "--val", "0.6", "--test", "0.5")
    assert result.exit_code == 2 and not calls
    assert "together below 1" in result.stderr


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--beam-option", "--runner=FlinkRunner"), "--beam-option is for --runner beam only"),
        (("--runner", "beam", "--workers", "2"), "--workers is for --runner processes only"),
        (("--runner", "beam"), "pip install 'keras-dldl[beam]'"),
    ],
)
def test_what_does_not_go_with_the_runner(run, monkeypatch, options, reason):
    for name in ("apache_beam", "apache_beam.options.pipeline_options"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    result, calls = run("utkface", *options)
    assert result.exit_code == 2 and not calls
    assert reason in result.stderr
