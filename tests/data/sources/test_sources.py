"""The table of sources, sources of the user's own, and how what they left out is told."""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_dldl.cli.main import cli
from keras_dldl.data.sources import SOURCES, Skipped, Source, SourceRows, find_source
from keras_dldl.data.sources.base import kinds_of
from keras_dldl.data.synthetic import draw_face
from keras_dldl.errors import ConfigError, DataError
from tests.data.sources.layouts import lay_out

PAGE = Path(__file__).parents[3] / "docs" / "data.md"


def test_every_source_is_complete():
    for name, source in SOURCES.items():
        assert source.name == name and source.summary and len(source.summary) <= 80
        assert issubclass(source, Source) and source.licence
        assert len(source.__doc__.splitlines()) > 2 or source.draws_root  # layout and terms
        assert source().grid().size > 1


def test_a_source_without_a_reader_says_so(tmp_path):
    with pytest.raises(NotImplementedError, match="`read.*Received: Source, which has none"):
        Source().read(tmp_path)


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The documentation's source as my_module.py in the current folder; return its command."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition("## A source of your own")
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]
    (tmp_path / "my_module.py").write_text(f"{code}\nNOT_ONE = 3\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield re.search(r"keras-dldl (prepare my_module:MySource .*)\n", section)[1]
    sys.modules.pop("my_module", None)


def test_the_example_runs_as_it_is_written(example, tmp_path):
    lines = [f"{'ab'[k % 2]}_{k}.jpg {20 + 5 * k}" for k in range(4)]
    lines += ["c_0.jpg old", "c_1.jpg 130", "missing_0.jpg 7"]
    lay_out(tmp_path, files={"album/ages.txt": lines})
    for k in range(4):
        face = draw_face(20 + 5 * k, np.random.default_rng(k), size=96)
        Image.fromarray(face.image).save(tmp_path / "album" / f"{'ab'[k % 2]}_{k}.jpg")
    small = ["--size", "48", "--workers", "1", "--val", "0", "--test", "0"]
    result = CliRunner().invoke(cli, example.split() + small)
    assert result.exit_code == 0, result.output
    manifest = pd.read_csv(tmp_path / "data" / "album" / "manifest.csv")
    labels = dict(zip(manifest["path"], manifest["label"], strict=True))
    assert labels == {"a_0.jpg": 20, "b_1.jpg": 25, "a_2.jpg": 30, "b_3.jpg": 35}
    assert set(manifest["subject"]) == {"a", "b"}
    _, skipped = result.stdout.split("skipped", 1)
    assert "1 age is not a number (first: c_0.jpg)" in skipped
    assert "1 label 130 is off the grid 0...100 (first: c_1.jpg)" in skipped
    assert "missing_0.jpg" in skipped


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("imagenet", "must be one of utkface, "),
        ("no_such_module_of_test:Source", "must be importable.*no_such_module_of_test"),
        ("my_module:NOT_ONE", "derived from .*which is 3"),
        ("my_module:Missing", "derived from .*no 'Missing' in my_module"),
    ],
)
def test_what_is_no_source(example, name, reason):
    with pytest.raises(ConfigError, match=reason):
        find_source(name)
    assert "" not in sys.path[:1]


def test_rows_without_what_is_needed_are_refused():
    with pytest.raises(DataError, match="path and label. Received: 1 rows with the columns file"):
        SourceRows.from_dicts([{"file": "a.jpg", "age": 3}])
    with pytest.raises(DataError, match="Received: 0 rows with the columns none"):
        SourceRows.from_dicts([])


DAMAGED = "the picture is damaged, or cut short. Give a whole one. Received: {}"


@pytest.mark.parametrize(
    ("reasons", "kinds"),
    [
        ([], []),
        (["second face", "no date", "no date"], [("no date", 2, "1"), ("second face", 1, "0")]),
        (
            ["line 3: age is not a number: 'old'", "line 12: age is not a number: ''"],
            [("age is not a number", 2, "0")],
        ),
        (
            ["line 3 of train_gt.csv: age is not in 0...120: 150", "line 5: age is not in 0...120"],
            [("age is not in 0...120", 2, "0")],
        ),
        (
            ["label 110 is off the grid 0...100", "label 116 is off the grid 0...100"],
            [("label … is off the grid 0...100", 2, "0")],
        ),
        (["age 130.5 is outside 0...120"], [("age 130.5 is outside 0...120", 1, "0")]),
        (["no file 'a.jpg' there", "no file 'b.jpg' there"], [("no file … there", 2, "0")]),
        (
            [DAMAGED.format(3), DAMAGED.format(4)],
            [("the picture is damaged, or cut short", 2, "0")],
        ),
    ],
)
def test_kinds_of_fault_the_most_frequent_first(reasons, kinds):
    found = kinds_of([Skipped(str(k), reason) for k, reason in enumerate(reasons)])
    assert [(kind.fault, kind.count, kind.example) for kind in found] == kinds
