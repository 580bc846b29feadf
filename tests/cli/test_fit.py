"""`keras-dldl fit`: the steps it stands for, going on after a stop, and the steps' own errors."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_dldl.calibration import Calibration
from keras_dldl.cli import fit as command
from keras_dldl.cli.main import cli
from keras_dldl.data.prepared import PreparedData
from keras_dldl.labels import LabelGrid
from keras_dldl.models import load_model
from tests.evaluation.given import mini_model, noise


@pytest.fixture(scope="module", autouse=True)
def small(mini_backbone):
    """Have a network of two convolutions trained, in place of the paper's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "SETTINGS", (*command.SETTINGS, "--model", mini_backbone))
        yield


def run(*arguments):
    return CliRunner().invoke(cli, list(map(str, arguments)))


def write_photos(folder, labels):
    (folder / "photos").mkdir(parents=True)
    lines = ["path,label"]
    for k, (label, image) in enumerate(zip(labels, noise(len(labels)), strict=True)):
        Image.fromarray(image).save(folder / "photos" / f"{k}.png")
        lines.append(f"{k}.png,{label}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")


def fit(folder, *arguments):
    given = (folder / "photos", folder / "labels.csv", "--out", folder / "out")
    more = ("--epochs", 1, "--size", 32)
    return run("fit", *given, "--init", folder / "start.keras", *more, *arguments)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder in which `fit` has run once, and what it said."""
    folder = tmp_path_factory.mktemp("fit")
    write_photos(folder, np.linspace(1, 90, 60).round())
    mini_model().save(folder / "start.keras")
    return folder, fit(folder)


def commands(result):
    return [
        line.partition("] ")[2] for line in result.stderr.splitlines() if "] keras-dldl" in line
    ]


def test_all_steps_end_in_a_model_and_a_report(made):
    folder, result = made
    assert result.exit_code == 0, result.output
    names = [command.split()[1] for command in commands(result)]
    assert names == ["prepare", "train", "evaluate"]
    assert "Not calibrated: it takes 30 validation faces" in result.stderr
    assert load_model(folder / "out" / "run").input_size == 32
    metrics = json.loads((folder / "out" / "report" / "metrics.json").read_text())
    assert metrics["against_model"]["name"].endswith("start.keras")
    assert str(folder / "out" / "report" / "report.html") in result.stdout
    assert f"keras-dldl predict PHOTO --model {folder / 'out' / 'run'}" in result.stdout
    kept = re.search(r"^(The model is of epoch 1 of 1|No epoch was better).*", result.stdout, re.M)
    page = (folder / "out" / "report" / "report.html").read_text(encoding="utf-8")
    assert kept[0] in page and "Validation may lie below training" in page
    ours, theirs = metrics["mae"], metrics["against"]["mae"]
    measured = f"On {metrics['n']} faces it is off by {ours:.1f} years on average, "
    assert f"{measured}{folder / 'start.keras'} by {theirs:.1f}." in result.stdout


def test_a_second_call_trains_nothing_again(made):
    folder, _ = made
    before = (folder / "out" / "run" / "history.csv").read_bytes()
    result = fit(folder, "--json")
    assert result.exit_code == 0, result.output
    assert (folder / "out" / "run" / "history.csv").read_bytes() == before
    assert "This run was finished before; nothing was done." in result.stderr
    content = json.loads(result.stdout)
    assert content["model"] == str(folder / "out" / "run" / "model.keras")
    assert content["metrics"]["n"] and content["commands"] == commands(result)
    assert content["commands"][1].endswith("--resume")


def test_a_start_model_that_stays_is_calibrated_as_it_was(tmp_path, monkeypatch):
    write_photos(tmp_path, np.linspace(1, 90, 60).round())
    start = mini_model()
    random = np.random.default_rng(0)
    value, std = random.uniform(20, 60, 300), random.uniform(2, 6, 300)
    start.calibration = Calibration.fit(value, std, value + random.normal(0, 5, 300), start.grid)
    start.save(tmp_path / "start.keras")
    nothing_learnt = ("--learning-rate", "1e-30", "--freeze", "backbone")
    monkeypatch.setattr(command, "SETTINGS", (*command.SETTINGS, *nothing_learnt))
    result = fit(tmp_path)
    assert result.exit_code == 0, result.output
    assert "No epoch was better than the start model" in result.stdout
    assert load_model(tmp_path / "out" / "run").calibration == start.calibration
    assert "Not calibrated again: it takes 30 validation faces" in result.stderr


def test_labels_of_1_to_5_are_ratings(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_dldl.training.trainer.train", lambda *_, **__: 1 / 0)
    write_photos(tmp_path, np.linspace(1, 5, 30).round(1))
    result = fit(tmp_path, "--init", "random")
    prepare, train = commands(result)
    assert "--grid scut-fbp" in prepare and "train" in train
    assert PreparedData(tmp_path / "out" / "data").grid == LabelGrid.scut_fbp()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("path,label\n0.png,230\n1.png,240\n", "off the grid 0...100"),
        ("path,label,split\n0.png,30\n1.png,3,training\n", None),
        ("path,label,split\n0.png,30,training\n1.png,3,training\n", "2 split must be one of train"),
    ],
    ids=["no age", "one row", "no row"],
)
def test_bad_rows_make_no_ratings_of_ages(tmp_path, table, said):
    write_photos(tmp_path, [20.0, 30.0])
    (tmp_path / "labels.csv").write_text(table)
    result = fit(tmp_path, "--init", "random")
    assert "--grid age" in commands(result)[0]
    assert said is None or said in result.stderr


def test_the_network_is_the_start_model_s(tmp_path, monkeypatch, mini_backbone):
    monkeypatch.setattr("keras_dldl.training.trainer.train", lambda *_, **__: 1 / 0)
    write_photos(tmp_path, np.linspace(1, 90, 30).round())
    mini_model().save(tmp_path / "start.keras")
    _, train = commands(fit(tmp_path, "--size", 40))
    start = tmp_path / "start.keras"
    assert f"--init {start} --model {mini_backbone} --input-size 32 --epochs" in train


def test_too_few_photos_to_measure_on_are_told_before_any_training(tmp_path):
    write_photos(tmp_path, [20.0, 30.0, 40.0])
    mini_model().save(tmp_path / "start.keras")
    result = fit(tmp_path)
    assert result.exit_code == 1 and len(commands(result)) == 1
    assert "Give more photos" in result.stderr
    assert result.stderr.endswith("Received: 3 photos, all for training\n")


def test_a_start_model_that_is_none_is_told_before_the_photos_are_prepared(tmp_path):
    write_photos(tmp_path, [20.0, 30.0])
    result = fit(tmp_path)  # which names a file that is not there
    assert result.exit_code == 1 and not commands(result) and not (tmp_path / "out").exists()
    assert "start.keras', which is none" in result.stderr


def test_paths_that_lead_nowhere_are_told_where_they_begin(tmp_path):
    write_photos(tmp_path, [20.0, 30.0])
    (tmp_path / "labels.csv").write_text("path,label\nphotos/0.png,20\nphotos/1.png,30\n")
    result = fit(tmp_path, "--init", "random")
    assert result.exit_code == 1
    assert f"paths are relative to the folder {tmp_path / 'photos'}. Received: " in result.stderr


def test_other_settings_than_those_begun_with_are_for_another_folder(made):
    folder, _ = made
    result = fit(folder, "--epochs", 2)
    assert result.exit_code == 2
    assert "For other settings give another folder. Received: epochs: 1 before" in result.stderr


def test_bad_input_has_the_error_of_its_step(tmp_path):
    write_photos(tmp_path, [20.0, 30.0])
    (tmp_path / "labels.csv").write_text("file,age\n0.png,20\n")
    ours = fit(tmp_path)
    theirs = run(
        "prepare", "csv", "--csv", tmp_path / "labels.csv", "--root", tmp_path / "photos",
        "--out", tmp_path / "other",
    )  # fmt: skip
    assert ours.exit_code == theirs.exit_code == 1
    assert ours.stderr.splitlines()[-1] == theirs.stderr.splitlines()[-1]
    assert not (tmp_path / "out" / "run").exists()


def test_after_ctrl_c_fit_itself_continues(tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_dldl.training.trainer.train", stopped)
    write_photos(tmp_path, np.linspace(1, 90, 30).round())
    result = fit(tmp_path, "--init", "random")
    assert result.exit_code == 130
    assert "run the same `fit` command again" in result.stderr


def test_a_missing_folder_is_told(tmp_path):
    write_photos(tmp_path, [20.0, 30.0])
    (tmp_path / "photos").rename(tmp_path / "elsewhere")
    result = fit(tmp_path, "--init", "random")
    assert result.exit_code == 1 and "photos" in result.stderr.splitlines()[-1]
