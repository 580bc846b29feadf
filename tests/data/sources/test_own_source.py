"""The documentation's source of one's own, on drawn faces, from command line to manifest."""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_dldl.cli.main import cli
from keras_dldl.data.sources import SourceRows
from keras_dldl.data.synthetic import draw_face
from keras_dldl.errors import DataError
from tests.data.sources.layouts import write_lines

PAGE = Path(__file__).parents[3] / "docs" / "data.md"


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The code of the section as my_module.py in the current folder."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition("## A source of your own")
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]
    (tmp_path / "my_module.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield re.search(r"keras-dldl (prepare my_module:MySource .*)\n", section)[1]
    sys.modules.pop("my_module", None)


def test_rows_without_what_is_needed_are_refused():
    with pytest.raises(DataError, match="path and label. Received: 1 rows with the columns file"):
        SourceRows.from_dicts([{"file": "a.jpg", "age": 3}])
    with pytest.raises(DataError, match="Received: 0 rows with the columns none"):
        SourceRows.from_dicts([])


def test_the_example_runs_as_it_is_written(example, tmp_path):
    lines = [f"{'ab'[k % 2]}_{k}.jpg {20 + 5 * k}" for k in range(4)]
    lines += ["c_0.jpg old", "c_1.jpg 130", "missing_0.jpg 7"]
    write_lines(tmp_path / "album" / "ages.txt", *lines)
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
