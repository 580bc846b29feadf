"""`keras-dldl prepare`: its options reach the run; those of another source are refused."""

import json
import sys

import pytest
from click.testing import CliRunner

import keras_dldl.data.prepare as module
from keras_dldl.cli.main import cli
from keras_dldl.data.sources import Skipped


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
        ("aaf", ("--grid", "age"), "image-folder or csv"),  # the default, but given
        ("synthetic", ("--csv", "a.csv"), "csv"),
        ("csv", ("--count", "1000"), "synthetic"),
        ("fg-net", ("--annotations", "a.json"), "benchmark or scut-fbp or cfd"),
    ],
)
def test_an_option_of_another_source_is_refused(run, source, option, owner):
    result, calls = run(source, *option)
    assert result.exit_code == 2 and not calls
    assert f"{option[0]} is for the source {owner} only. Received: {source}" in result.stderr


def test_the_options_of_the_source_are_taken(run):
    result, calls = run("csv", "--grid", "cfd", "--csv", "a.csv")
    assert result.exit_code == 0, result.output
    source, options = calls[0]
    assert source.csv == "a.csv" and source.grid().stop == 7
    assert options == module.PrepareOptions()
    assert run("synthetic", "--count", "50")[1][1][0].count == 50


def test_the_options_of_published_sources_are_taken(run):
    source = run("appa-real", "--age", "real")[1][-1][0]
    assert source.age == "real" and run("appa-real")[1][-1][0].age == "apparent"
    scores = ("--min-face-score", "1", "--max-second-face-score", "2.5")
    source = run("imdb-wiki", *scores)[1][-1][0]
    assert (source.min_face_score, source.max_second_face_score) == (1, 2.5)
    assert run("imdb-wiki")[1][-1][0].max_second_face_score is None
    assert run("image-folder", "--grid", "scut-fbp")[1][-1][0].grid().stop == 5
    assert run("imdb-wiki", "--min-face-score", "nan")[0].exit_code == 2


def test_what_is_left_out_is_counted_by_kind(run, monkeypatch):
    faults = ["second face"] * 1204 + [f"label {k} is off the grid 0...100" for k in (101, 110)]
    skipped = [Skipped(f"{k}.jpg", fault) for k, fault in enumerate(faults)]

    def prepare(source, root, out, options, run_jobs=None):
        return module.PrepareResult(out, {"train": 1}, 1, 0, skipped)

    monkeypatch.setattr(module, "prepare", prepare)
    lines = run("utkface")[0].stdout.splitlines()
    assert lines[2:5] == [
        "skipped    1,206 images or rows, listed in skipped.csv",
        "           1,204 second face (first: 0.jpg)",
        "               2 label … is off the grid 0...100 (first: 1204.jpg)",
    ]
    content = json.loads(run("utkface", "--json")[0].stdout)
    assert list(content["skipped_by_fault"].values()) == [1204, 2]
    assert len(content["skipped"]) == 1206


def test_folds_annotations_and_landmarks(run):
    result, calls = run("benchmark", "--annotations", "a.json", "--fold", "3")
    assert result.exit_code == 0, result.output
    assert calls[0][0].annotations == "a.json" and calls[0][0].fold == 3
    result, calls = run("scut-fbp5500", "--fold", "60-40", "--landmarks", "given")
    assert calls[1][0].fold == "60-40" and calls[1][1].landmarks == "given"
    result, calls = run("scut-fbp5500", "--fold", "0")
    assert result.exit_code == 2 and "Received: fold='0'" in result.stderr
    assert run("fg-net", "--landmarks", "guess")[0].exit_code == 2


def test_max_pixels(run):
    result, calls = run("utkface", "--max-pixels", "5000")
    assert result.exit_code == 0 and calls[0][1].max_pixels == 5000
    assert run("utkface", "--max-pixels", "0")[0].exit_code == 2


def test_impossible_shares_are_refused_at_once(run):
    result, calls = run("utkface", "--val", "0.6", "--test", "0.5")
    assert result.exit_code == 2 and not calls
    assert "together below 1" in result.stderr


def test_drop_leaks_reaches_the_run(run):
    assert not run("utkface")[1][0][1].drop_leaks
    assert run("utkface", "--drop-leaks")[1][-1][1].drop_leaks


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
