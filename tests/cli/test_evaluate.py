"""`keras-dldl evaluate`: files, table, JSON, another model, exit statuses."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from keras_dldl.evaluation import Evaluation, tables
from tests.evaluation.given import mini_model, write_images, write_prepared
from tests.evaluation.made_up import made_up, rows_of

pytestmark = pytest.mark.usefixtures("mini_backbone")


@pytest.fixture(scope="module")
def place(tmp_path_factory, mini_backbone):
    """A folder with two models, two prepared data sets and labelled images."""
    folder = tmp_path_factory.mktemp("place")
    mini_model().save(folder / "model.keras")
    mini_model(seed=5).save(folder / "other.keras")
    write_prepared(folder / "data", {"train": 5, "val": 4, "test": 12}, seed=1)
    write_prepared(folder / "b", {"train": 4, "test": 18}, seed=2)
    (folder / "any").mkdir()
    rows = write_images(folder / "any", 5)
    rows.drop(columns="label").to_csv(folder / "any" / "no_labels.csv", index=False)
    return folder


@pytest.fixture
def evaluated(monkeypatch):
    """Numbers that are made up, in place of an evaluation."""
    made = made_up(rows_of(6))
    monkeypatch.setattr("keras_dldl.evaluation.evaluate", lambda *_, **__: made)


def run(place, out, *arguments):
    given = ["evaluate", "--model", place / "model.keras", "--out", out, *arguments]
    return CliRunner().invoke(cli, list(map(str, given)))


def images(place):
    return "--manifest", place / "any" / "manifest.csv", "--root", place / "any" / "images"


def test_prepared_data_gives_three_files_and_a_table(place, tmp_path):
    result = run(place, tmp_path, "--data", place / "data", "--batch-size", 4)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("split test of data\n")
    assert "MAE (years)" in result.stdout
    names = ["metrics.json", "predictions.csv", "report.html"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    metrics, table = json.loads((tmp_path / names[0]).read_text()), pd.read_csv(tmp_path / names[1])
    assert metrics["n"] == 12
    assert (table["value"] - table["label"]).abs().mean() == pytest.approx(
        metrics["mae"], rel=1e-12
    )


def test_json_is_the_one_document_on_stdout(place, tmp_path):
    arguments = "--data", place / "data", "--split", "val", "--limit", 3, "--group-by", "gender"
    result = run(place, tmp_path, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    metrics = json.loads(result.stdout)
    assert metrics == json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["n"] == 3 and set(metrics["groups"]) == {"gender", "decade"}


def test_two_models_on_the_same_faces_of_two_data_sets(place, tmp_path):
    data = "--data", place / "data", "--data", place / "b"
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
    assert {name: part["n"] for name, part in metrics["datasets"].items()} == {"b": 18, "data": 12}
    shown = [line.split()[:2] for line in result.stdout.splitlines()]
    assert ["data", "12"] in shown and ["b", "18"] in shown
    page = (tmp_path / "report.html").read_text()
    assert 'id="against"' in page and "other.keras" in page and 'id="data-sets"' in page


def test_the_leak_check_and_the_faces_can_be_left_out(place, tmp_path):
    result = run(place, tmp_path, "--data", place / "data")
    assert "Leak check: 0 of 12 faces of test are also among the 5 of train" in result.stdout
    assert (tmp_path / "report.html").read_text().count("data:image/jpeg") == 12
    result = run(
        place, tmp_path, "--data", place / "data", "--no-leak-check", "--no-faces", "--json"
    )
    assert json.loads(result.stdout)["leak_check"]["checked"] is False
    assert "data:image/jpeg" not in (tmp_path / "report.html").read_text()


def test_a_manifest_is_detected_and_what_has_no_face_is_used_whole(place, tmp_path):
    result = run(place, tmp_path, *images(place))
    assert result.exit_code == 0, result.stderr
    assert "without one, taken whole: 5" in result.stdout
    predictions = pd.read_csv(tmp_path / "predictions.csv")
    assert predictions.columns[:4].tolist() == ["path", "label", "value", "std"]
    assert len(predictions) == 5


def test_an_unreadable_image_ends_in_status_1_with_all_else_written(place, tmp_path):
    rows = write_images(tmp_path, 4)
    (tmp_path / "images" / rows["path"][2]).write_bytes(b"no picture")
    given = "--manifest", tmp_path / "manifest.csv", "--root", tmp_path / "images", "--no-align"
    result = run(place, tmp_path / "out", *given, "--json")
    assert result.exit_code == 1
    assert "every image should be readable; the numbers are written" in result.stderr
    assert "line 4" in result.stderr and rows["path"][2] in result.stderr
    assert "Traceback" not in result.stderr
    metrics = json.loads(result.stdout)
    assert metrics["n"] == 3 and metrics["unreadable"][0]["line"] == 4
    assert (tmp_path / "out" / "report.html").is_file()


def test_counts_of_what_is_left_out_agree(place, tmp_path):
    rows = write_images(tmp_path, 5)["path"].tolist()
    (tmp_path / "images" / rows[3]).write_bytes(b"no picture")
    labels = [f"{rows[0]},30", f"{rows[0]},31", f"{rows[1]},old", f"{rows[2]},300"]
    table = ["path,label", *labels, f"{rows[3]},40", f"{rows[4]},50"]
    (tmp_path / "manifest.csv").write_text("\n".join(table))
    given = "--manifest", tmp_path / "manifest.csv", "--root", tmp_path / "images", "--no-align"
    result = run(place, tmp_path / "out", *given, "--json")
    assert (
        "4 of 6 rows are left out: 2 that cannot be right, 1 with a label off the model's grid, "
        "1 whose image cannot be read; the first, line 3: path occurs twice"
    ) in result.stderr.splitlines()[-1]
    metrics = json.loads(result.stdout)
    assert (metrics["n"], len(metrics["unreadable"]), metrics["data"]["rows"]) == (2, 4, 6)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "either --data, or --manifest with --root. Received: neither"),
        (("--data", "data", "--manifest", "m.csv", "--root", "r"), "Received: both"),
        (("--manifest", "m.csv"), "Received: --manifest m.csv alone"),
        (("--data", "data", "--root", "r"), "Received: --root r alone"),
        (("--data", "data", "--no-align"), "Received: --no-align with --data data"),
        (("--data", "data", "--max-pixels", "100"), "Received: --max-pixels with --data data"),
        (("--manifest", "m.csv", "--root", "r", "--max-pixels", "0"), "0"),
        (("--data", "data", "--split", "dev"), "dev"),
    ],
)
def test_wrong_usage_ends_in_status_2(place, tmp_path, arguments, reason):
    result = run(place, tmp_path, *arguments)
    assert result.exit_code == 2 and reason in result.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--data", "missing"), "not prepared data"),
        (("--manifest", "missing.csv", "--root", "."), "missing.csv"),
        (("--manifest", "any/no_labels.csv", "--root", "."), "column missing: label"),
        (("--data", "data", "--group-by", "race"), "Received: race"),
        (("--data", "data", "--against", "none.keras"), "none.keras"),
    ],
)
def test_what_is_not_there_ends_in_one_line(place, tmp_path, monkeypatch, arguments, reason):
    monkeypatch.chdir(place)
    result = run(place, tmp_path / "out", *arguments)
    assert result.exit_code == 1 and "Traceback" not in result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert reason in line and not (tmp_path / "out" / "metrics.json").exists()


def test_a_place_that_cannot_be_written_is_told_before_the_work(place, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_dldl.evaluation.evaluate", lambda *_, **__: pytest.fail("done"))
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        result = run(place, out, "--data", place / "data")
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: Not a directory: {tmp_path / 'file'}")


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_disk_that_fills_up_loses_only_the_files(place, tmp_path, monkeypatch, evaluated, more):
    def full(self, out):
        raise OSError(28, "No space left on device", "out/metrics.json")

    monkeypatch.setattr(Evaluation, "save", full)
    result = run(place, tmp_path, "--data", place / "data", *more)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "Error: No space left on device: out/metrics.json"
    assert (json.loads(result.stdout)["n"] == 6) if more else ("MAE (years)" in result.stdout)


def test_a_reader_of_stdout_who_goes_away_does_not_lose_the_files(
    place, tmp_path, monkeypatch, evaluated
):
    def gone(metrics):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(tables, "text_report", gone)
    assert run(place, tmp_path, "--data", place / "data").exit_code == 1
    assert (tmp_path / "metrics.json").is_file()


def test_pictures_over_the_limit_are_left_out(place, tmp_path):
    result = run(place, tmp_path, *images(place), "--max-pixels", 100)
    assert result.exit_code == 1 and "over the limit of 100" in result.stderr
    assert "Error: At least one image must be readable. Received: 5 that are not" in result.stderr
