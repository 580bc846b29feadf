"""`keras-dldl evaluate` with another model and several data sets; the leak check, the faces."""

import json

import pandas as pd
import pytest

from tests.cli.test_evaluate import run
from tests.evaluation.given import mini_model, write_prepared

pytestmark = pytest.mark.usefixtures("mini_backbone")


@pytest.fixture(scope="module")
def place(tmp_path_factory, mini_backbone):
    """A folder with two models and two prepared data sets."""
    folder = tmp_path_factory.mktemp("place")
    mini_model().save(folder / "model.keras")
    mini_model(seed=5).save(folder / "other.keras")
    write_prepared(folder / "a", {"train": 5, "test": 12}, seed=1)
    write_prepared(folder / "b", {"train": 4, "test": 18}, seed=2)
    return folder


def test_two_models_on_the_same_faces_of_two_data_sets(place, tmp_path):
    data = "--data", place / "a", "--data", place / "b"
    result = run(place, tmp_path, *data, "--against", place / "other.keras")
    assert result.exit_code == 0, result.stderr
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    table = pd.read_csv(tmp_path / "predictions.csv")
    ours, theirs = ((table[c] - table["label"]).abs() for c in ("value", "against_value"))
    found = metrics["against"]
    assert found["n"] == 30
    assert found["mae_difference"] == pytest.approx((ours - theirs).mean())
    assert metrics["against_model"]["name"].endswith("other.keras")
    assert len(metrics["against_model"]["sha256"]) == 64
    assert {"mae_difference", "confidence", "p_permutation", "p_holm"} <= set(
        found["groups"]["gender"]["(others)"]
    )
    assert f"difference {found['mae_difference']:+.3f}" in result.stdout
    assert found["conclusion"] in metrics["summary"]["shown"]
    assert set(metrics["summary"].values()) <= set(result.stdout.splitlines())
    assert {name: part["n"] for name, part in metrics["datasets"].items()} == {"a": 12, "b": 18}
    shown = [line.split()[:2] for line in result.stdout.splitlines()]
    assert ["a", "12"] in shown and ["b", "18"] in shown
    page = (tmp_path / "report.html").read_text()
    assert 'id="against"' in page and "other.keras" in page and 'id="data-sets"' in page


def test_the_leak_check_and_the_faces_can_be_left_out(place, tmp_path):
    result = run(place, tmp_path, "--data", place / "a")
    assert "Leak check: 0 of 12 faces of test are also among the 5 of train" in result.stdout
    assert (tmp_path / "report.html").read_text().count("data:image/jpeg") == 12
    result = run(place, tmp_path, "--data", place / "a", "--no-leak-check", "--no-faces", "--json")
    assert json.loads(result.stdout)["leak_check"]["checked"] is False
    assert "data:image/jpeg" not in (tmp_path / "report.html").read_text()
