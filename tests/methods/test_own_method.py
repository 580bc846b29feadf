"""The worked example of docs/methods.md, from its text to a trained model."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from keras_dldl import load_model
from keras_dldl.cli.main import cli
from keras_dldl.labels import LabelGrid
from keras_dldl.methods import METHODS, find_method, get_method
from tests import reference
from tests.training.small_data import write_small_data

PAGE = Path(__file__).parents[2] / "docs" / "methods.md"


@pytest.fixture
def earth_mover(tmp_path, monkeypatch):
    text = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "earth_mover.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    yield "earth_mover:EarthMover"
    sys.modules.pop("earth_mover", None)


def test_its_loss_is_what_the_page_says(earth_mover):
    grid = LabelGrid.age()
    rng = np.random.default_rng(0)
    y, raw = rng.uniform(0, 100, 4), rng.normal(size=(4, 101)).astype(np.float32)
    loss = get_method(earth_mover, power=1.5).loss(grid)
    p, q = reference.label_distribution(y, 2.0, grid.labels64), reference.softmax(raw)
    expected = (np.abs(p.cumsum(axis=1) - q.cumsum(axis=1)) ** 1.5).sum(axis=1).mean()
    y_true = np.stack([y, np.full(4, -1.0)], axis=1)
    assert float(loss(y_true, raw)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_it_trains_from_the_command_line_and_its_model_finds_it_again(
    earth_mover, mini_backbone, tmp_path
):
    data = write_small_data(tmp_path / "data", train=16, val=4)
    text = PAGE.read_text(encoding="utf-8")
    method, options = re.search(r"--method (earth\S+) --set (\S+)", text).groups()
    assert method == earth_mover
    result = CliRunner().invoke(
        cli,
        ["train", "--data", str(data), "--out", "run", "--model", mini_backbone, "--method", method,
         "--set", options, "--epochs", "1", "--batch-size", "8"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    sys.modules.pop("earth_mover")
    model = load_model("run")
    assert model.method.get_config() == {
        "name": "earth_mover:EarthMover",
        "options": {"power": 1.5, "sigma": 2.0},
    }
    p = np.asarray(model(np.zeros((1, 32, 32, 3))))
    assert p.sum() == pytest.approx(1, abs=1e-5)


def test_the_page_has_every_method_and_its_defaults():
    text = PAGE.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for name in METHODS:
        (row,) = [row for row in rows if f"`{name}`" in row.split("|")[1]]
        for option, default in find_method(name).option_defaults().items():
            shown = f"{default:g}" if isinstance(default, float) else default
            assert f"`{option}` {shown}" in row


def test_the_readme_counts_them():
    assert len(set(METHODS.values())) == 12
    assert "twelve methods" in (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
