"""`keras-dldl prepare`: its options reach the run; those of another source are refused."""

import json
import re
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


@pytest.fixture
def album(tmp_path, monkeypatch):
    """A source of the user's own with an option, as a module in the current folder."""
    code = """
from keras_dldl.data.sources import Source


class Album(Source):
    options = ("year",)

    def __init__(self, year: int = 0):
        self.year = year
"""
    (tmp_path / "album_of_test.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    yield "album_of_test:Album"
    sys.modules.pop("album_of_test", None)


def test_a_source_of_ones_own_has_options_of_its_own(run, album):
    result, calls = run(album, "--source-option", "year=2024")
    assert result.exit_code == 0, result.output
    assert calls[0][0].year == 2024
    result, calls = run(album)
    assert calls[1][0].year == 0


@pytest.mark.parametrize(
    ("source", "option", "reason"),
    [
        (None, "yaer=1", "`options` names, are year. Did you mean year. Received: yaer"),
        (None, "year", "A setting is given as KEY=VALUE"),
        ("utkface", "year=1", "for a source of your own.*Received: year for utkface"),
    ],
)
def test_options_that_no_source_has(run, album, source, option, reason):
    result, calls = run(source or album, "--source-option", option)
    assert result.exit_code == 2 and not calls
    assert re.search(reason, " ".join(result.stderr.split()))


@pytest.mark.parametrize(
    ("call", "of_source", "of_run"),
    [
        ("csv --csv a.csv", {"csv": "a.csv"}, {}),
        ("synthetic --count 50", {"count": 50}, {}),
        ("appa-real", {"age": "apparent"}, {}),
        ("appa-real --age real", {"age": "real"}, {}),
        (
            "imdb-wiki --min-face-score 1 --max-second-face-score 2.5",
            {"min_face_score": 1, "max_second_face_score": 2.5},
            {},
        ),
        ("imdb-wiki", {"max_second_face_score": None}, {}),
        (
            "benchmark --annotations a.json --fold 3",
            {"annotations": "a.json", "fold": 3},
            {"fold": "3"},
        ),
        (
            "scut-fbp5500 --fold 60-40 --landmarks given",
            {"fold": "60-40"},
            {"fold": "60-40", "landmarks": "given"},
        ),
        ("utkface --max-pixels 5000", {}, {"max_pixels": 5000}),
        ("utkface --drop-leaks", {}, {"drop_leaks": True}),
    ],
)
def test_options_reach_the_source_and_the_run(run, call, of_source, of_run):
    result, calls = run(*call.split())
    assert result.exit_code == 0, result.output
    ((source, options),) = calls
    assert {name: getattr(source, name) for name in of_source} == of_source
    assert options == module.PrepareOptions(**of_run)


@pytest.mark.parametrize(
    ("call", "end"), [("csv --csv a --grid cfd", 7), ("image-folder --grid scut-fbp", 5)]
)
def test_the_grid_is_the_sources(run, call, end):
    assert run(*call.split())[1][0][0].grid().stop == end


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("imdb-wiki --min-face-score nan", "nan"),
        ("scut-fbp5500 --fold 0", "Received: fold='0'"),
        ("fg-net --landmarks guess", "guess"),
        ("utkface --max-pixels 0", "0"),
        ("utkface --val 0.6 --test 0.5", "together below 1"),
        ("utkface --beam-option --runner=FlinkRunner", "beam only. Received: --runner processes"),
        ("utkface --runner beam --workers 2", "processes only. Received: --runner beam"),
        ("utkface --runner beam", "pip install 'keras-dldl[beam]'"),
    ],
)
def test_what_cannot_be_is_refused_at_once(run, monkeypatch, call, reason):
    for name in ("apache_beam", "apache_beam.options.pipeline_options"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    result, calls = run(*call.split())
    assert result.exit_code == 2 and not calls
    assert reason in result.stderr


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
