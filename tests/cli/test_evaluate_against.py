"""`keras-dldl evaluate --against`, and several data sets: files, table, JSON, refusals."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import LabelGrid
from keras_dldl.models import build_model
from tests.evaluation.given import tiny_model, write_images, write_prepared


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with models and two prepared data sets."""
    folder = tmp_path_factory.mktemp("place")
    tiny_model().save(folder / "model.keras")
    tiny_model(seed=5).save(folder / "other.keras")
    tiny_model(LabelGrid(0, 100, 0.5), seed=6).save(folder / "fine.keras")
    tiny_model(LabelGrid.scut_fbp()).save(folder / "points.keras")
    tiny_model(LabelGrid(0, 90)).save(folder / "short.keras")
    large = build_model("tiny-age-net", input_size=48, grid=LabelGrid.age(),
                        alignment=Alignment(margin=0.3))  # fmt: skip
    large.save(folder / "large.keras")
    write_prepared(folder / "a", {"train": 5, "test": 12}, seed=1)
    write_prepared(folder / "b", {"train": 4, "test": 18}, seed=2)
    (folder / "any").mkdir()
    write_images(folder / "any", 12)
    return folder


def run(place, out, *arguments):
    given = ["evaluate", "--model", place / "model.keras", "--out", out, *arguments]
    return CliRunner().invoke(cli, list(map(str, given)))


def both(place):
    return "--data", place / "a", "--data", place / "b"


def test_two_models_on_the_same_faces(place, tmp_path):
    result = run(place, tmp_path, *both(place), "--against", place / "other.keras")
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
    page = (tmp_path / "report.html").read_text()
    assert 'id="against"' in page and "other.keras" in page


def test_the_other_models_numbers_are_those_it_has_alone(place, tmp_path):
    # Another input size and alignment, so that the faces go by a second time.
    arguments = *both(place), "--against", place / "large.keras", "--no-leak-check"
    result = run(place, tmp_path / "1", *arguments)
    assert result.exit_code == 0, result.stderr
    alone = CliRunner().invoke(cli, [
        "evaluate", "--model", str(place / "large.keras"), "--out", str(tmp_path / "2"),
        *map(str, both(place)),
    ])  # fmt: skip
    assert alone.exit_code == 0, alone.stderr
    paired = json.loads((tmp_path / "1" / "metrics.json").read_text())
    single = json.loads((tmp_path / "2" / "metrics.json").read_text())
    assert paired["against"]["numbers"]["mae"] == pytest.approx(single["mae"], abs=1e-3)
    assert any("--against: the faces were not cut out" in note for note in paired["notes"])


def test_a_model_against_itself_does_not_differ(place, tmp_path):
    result = run(place, tmp_path, *both(place), "--against", place / "model.keras", "--json")
    found = json.loads(result.stdout)["against"]
    assert found["mae_difference"] == 0 and found["p_permutation"] == 1.0
    assert found["p_wilcoxon"] is None


def test_another_step_of_the_same_range_is_compared_and_remarked(place, tmp_path):
    result = run(place, tmp_path, *both(place), "--against", place / "fine.keras")
    assert result.exit_code == 0, result.stderr
    assert "note: the label grids differ in step: 1 here, 0.5 in --against" in result.stdout


@pytest.mark.parametrize(
    ("other", "received"),
    [("points.keras", "attractiveness, 1 ... 5"), ("short.keras", "age, 0 ... 90")],
)
def test_another_task_or_range_is_refused_in_one_line(place, tmp_path, other, received):
    result = run(place, tmp_path / "out", *both(place), "--against", place / other)
    assert result.exit_code == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert "task and the range" in line and f"Received: {received}" in line
    assert "Traceback" not in result.stderr


def test_a_model_to_compare_with_that_is_none(place, tmp_path):
    result = run(place, tmp_path, *both(place), "--against", place / "none.keras")
    assert result.exit_code == 1 and "none.keras" in result.stderr


def test_labels_off_the_grid_stay_listed_with_two_models(place, tmp_path):
    rows = write_images(tmp_path, 4)
    rows.assign(label=[130, 20, 30, 40]).to_csv(tmp_path / "manifest.csv", index=False)
    given = "--manifest", tmp_path / "manifest.csv", "--root", tmp_path / "images", "--no-align"
    against = "--against", place / "other.keras"
    result = run(place, tmp_path / "out", *given, *against, "--json")
    metrics = json.loads(result.stdout)
    assert result.exit_code == 1 and metrics["against"]["n"] == 3
    assert [item["line"] for item in metrics["unreadable"]] == [2]


def test_several_folders_make_a_table_of_data_sets(place, tmp_path):
    result = run(place, tmp_path, *both(place))
    assert result.exit_code == 0, result.stderr
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert {name: part["n"] for name, part in metrics["datasets"].items()} == {"a": 12, "b": 18}
    mean = sum(part["n"] * part["mae"] for part in metrics["datasets"].values()) / 30
    assert mean == pytest.approx(metrics["mae"])
    assert all(part["confidence"]["mae"] for part in metrics["datasets"].values())
    table = [line.split() for line in result.stdout.splitlines()]
    assert ["a", "12"] in [line[:2] for line in table] and ["b", "18"] in [
        line[:2] for line in table
    ]
    assert 'id="data-sets"' in (tmp_path / "report.html").read_text()


def test_the_column_database_names_data_sets_first(place, tmp_path):
    write_prepared(tmp_path / "data", {"test": 9}, seed=3)
    table = pd.read_csv(tmp_path / "data" / "manifest.csv")
    table["database"] = np.where(np.arange(9) < 5, "X", None)
    table.to_csv(tmp_path / "data" / "manifest.csv", index=False)
    result = run(place, tmp_path / "out", "--data", tmp_path / "data", "--data", place / "a",
                 "--json")  # fmt: skip
    assert {k: v["n"] for k, v in json.loads(result.stdout)["datasets"].items()} == {
        "X": 5, "a": 12, "data": 4,
    }  # fmt: skip


def test_folders_of_one_name_are_told_apart(place, tmp_path):
    for name in ("one", "two"):
        write_prepared(tmp_path / name / "data", {"test": 3}, seed=ord(name[0]))
    folders = (f"--data={tmp_path / name / 'data'}" for name in ("one", "two"))
    result = run(place, tmp_path / "out", *folders, "--json")
    assert sorted(json.loads(result.stdout)["datasets"]) == ["one/data", "two/data"]


def test_the_leak_check_is_told_and_can_be_left_out(place, tmp_path):
    result = run(place, tmp_path, "--data", place / "a")
    assert "Leak check: 0 of 12 faces of test are also among the 5 of train" in result.stdout
    result = run(place, tmp_path, "--data", place / "a", "--no-leak-check", "--json")
    assert json.loads(result.stdout)["leak_check"]["checked"] is False


def test_faces_can_be_kept_out_of_the_report(place, tmp_path):
    assert run(place, tmp_path, "--data", place / "a").exit_code == 0
    assert (tmp_path / "report.html").read_text().count("data:image/jpeg") == 12
    assert run(place, tmp_path, "--data", place / "a", "--no-faces").exit_code == 0
    assert "data:image/jpeg" not in (tmp_path / "report.html").read_text()
