"""`keras-dldl evaluate` on what is odd or wrong: what is said, and what is written all the same."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from keras_dldl.labels import LabelGrid
from tests.evaluation.given import tiny_model, write_images, write_prepared


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    tiny_model().save(folder / "age.keras")
    tiny_model(LabelGrid.scut_fbp()).save(folder / "points.keras")
    tiny_model(LabelGrid(20, 60)).save(folder / "adults.keras")
    return folder


def run(model, folder, *more):
    given = ["evaluate", "--model", model, "--manifest", folder / "manifest.csv", "--root",
             folder / "images", "--no-align", "--out", folder / "out", *more]  # fmt: skip
    return CliRunner().invoke(cli, list(map(str, given)))


def altered(folder, count=12, **columns):
    """Write images and a manifest with other columns; None takes a column away."""
    rows = write_images(folder, count)
    gone = [name for name, value in columns.items() if value is None]
    rows = rows.assign(**{n: v for n, v in columns.items() if v is not None}).drop(columns=gone)
    rows.to_csv(folder / "manifest.csv", index=False)
    return rows


def written(folder):
    """Return `metrics.json`, having looked that all three files are there and whole."""
    out = folder / "out"
    assert sorted(p.name for p in out.iterdir()) == ["metrics.json", "predictions.csv",
                                                     "report.html"]  # fmt: skip
    assert (out / "report.html").read_text().rstrip().endswith("</html>")
    metrics = json.loads((out / "metrics.json").read_text())
    assert len(pd.read_csv(out / "predictions.csv")) == metrics["n"]
    return metrics


def failure(result):
    """Return the one line of a failure."""
    assert result.exit_code == 1 and "Traceback" not in result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    return line


def test_a_manifest_without_the_column_of_labels(models, tmp_path):
    altered(tmp_path, label=None)
    line = failure(run(models / "age.keras", tmp_path))
    assert "column missing: label" in line and "must name the columns path, label" in line
    assert "Received: path | sigma" in line
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_a_manifest_with_empty_labels(models, tmp_path):
    altered(tmp_path, count=3, label=["", "", ""])
    line = failure(run(models / "age.keras", tmp_path))
    assert "3 bad rows: line 2: label is not a number" in line


def test_a_manifest_with_a_header_alone(models, tmp_path):
    write_images(tmp_path, 3)
    (tmp_path / "manifest.csv").write_text("path,label\n")
    line = failure(run(models / "age.keras", tmp_path))
    assert "must have rows to evaluate. Received:" in line


def test_one_row(models, tmp_path):
    altered(tmp_path, count=1)
    result = run(models / "age.keras", tmp_path)
    assert result.exit_code == 0, result.stderr
    metrics = written(tmp_path)
    assert metrics["n"] == 1 and metrics["pearson"] is None
    assert metrics["confidence"]["mae"] is None
    assert "note: pearson needs at least two faces" in result.stdout
    assert "note: intervals of the numbers need at least 10 faces" in result.stdout


def test_one_group(models, tmp_path):
    altered(tmp_path, gender="female", subject=None, value=None, label=25.0)
    result = run(models / "age.keras", tmp_path)
    assert result.exit_code == 0, result.stderr
    metrics = written(tmp_path)
    assert list(metrics["groups"]["gender"]) == ["(others)"]  # of under 20 faces
    assert metrics["fairness"]["columns"]["gender"] == {"groups": [], "mae": None, "bias": None}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "No column has two groups of at least 30 faces to compare." in page


def test_constant_labels(models, tmp_path):
    altered(tmp_path, label=30)
    result = run(models / "age.keras", tmp_path)
    assert result.exit_code == 0, result.stderr
    metrics = written(tmp_path)
    assert metrics["pearson"] is None and metrics["confidence"]["pearson"] is None
    assert metrics["confidence"]["mae"] is not None
    assert "note: pearson is undefined: every label is the same" in result.stdout


def test_a_model_of_another_task_on_prepared_data(models, tmp_path):
    write_prepared(tmp_path / "data", {"test": 4})
    given = ["evaluate", "--model", models / "points.keras", "--data", tmp_path / "data",
             "--out", tmp_path / "out"]  # fmt: skip
    line = failure(CliRunner().invoke(cli, list(map(str, given))))
    assert "must have the model's task, attractiveness. Received: data of task age" in line


def test_a_model_of_a_smaller_grid_on_prepared_data(models, tmp_path):
    write_prepared(tmp_path / "data", {"test": 4})
    table = pd.read_csv(tmp_path / "data" / "manifest.csv")
    given = ["evaluate", "--model", models / "adults.keras", "--data", tmp_path / "data",
             "--out", tmp_path / "out"]  # fmt: skip
    line = failure(CliRunner().invoke(cli, list(map(str, given))))
    outside = int((~table["label"].between(20, 60)).sum())
    assert f"20 ... 60 years. Received: {outside} that do not; the first, of " in line


def test_a_manifest_of_another_task(models, tmp_path):
    altered(tmp_path, label=[40 + k for k in range(12)])
    line = failure(run(models / "points.keras", tmp_path))
    assert "No label suits the model." in line
    assert "1 ... 5 points. Received: label 40" in line


def test_labels_off_the_grid_are_left_out_and_the_rest_is_written(models, tmp_path):
    altered(tmp_path, label=[10, 70] + [30 + k for k in range(10)])
    result = run(models / "adults.keras", tmp_path)
    assert "Received: 2 left out; the first, line 2: Labels must lie" in failure(result)
    metrics = written(tmp_path)
    assert metrics["n"] == 10 and [item["line"] for item in metrics["unreadable"]] == [2, 3]


def test_images_that_cannot_be_read_are_left_out_and_the_rest_is_written(models, tmp_path):
    rows = altered(tmp_path)
    (tmp_path / "images" / rows["path"][4]).write_bytes(b"no picture")
    (tmp_path / "images" / rows["path"][7]).unlink()
    line = failure(run(models / "age.keras", tmp_path))
    assert "Every image should be readable" in line
    assert "Received: 2 left out; the first, line 6:" in line
    metrics = written(tmp_path)
    assert metrics["n"] == 10
    page = (tmp_path / "out" / "report.html").read_text()
    assert 'id="left-out"' in page and rows["path"][7] in page


def test_no_image_can_be_read(models, tmp_path):
    rows = altered(tmp_path, count=2)
    for path in rows["path"]:
        (tmp_path / "images" / path).write_bytes(b"no picture")
    line = failure(run(models / "age.keras", tmp_path))
    assert "At least one image must be readable. Received: 2 that are not" in line


def test_a_split_that_is_not_there(models, tmp_path):
    altered(tmp_path, split="train")
    line = failure(run(models / "age.keras", tmp_path, "--split", "test"))
    assert "has: train. Received: split='test'" in line
