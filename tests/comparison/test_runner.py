import json
import logging
import shutil

import numpy as np
import pandas as pd
import pytest

from keras_dldl.comparison import Plan, cells, compare, forecast
from keras_dldl.errors import ConfigError, DataError, TrainingError
from keras_dldl.training import TrainConfig, train
from tests.training.small_data import MINI, write_small_data

pytestmark = pytest.mark.usefixtures("mini_backbone")

SETTINGS = {**MINI, "epochs": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_data(tmp_path_factory.mktemp("data"))


def plan_of(folder, **values):
    given = {"grid": {"method": ["dldl-v2", "dldl"]}, "settings": SETTINGS, "split": "val"}
    return Plan.from_dict({"data": [str(folder)], **given, **values})


@pytest.fixture(scope="module")
def finished(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("compared") / "out"
    return compare(plan_of(folder), out)


@pytest.fixture
def copied(finished, monkeypatch):
    """Methods whose training was asked for; it copies the finished run, or acts as `faults` say."""
    asked, faults = [], {}

    def quick(config, out, resume=False):
        asked.append(config.method)
        if config.method in faults:
            raise faults[config.method]
        shutil.copytree(finished.out / "cells" / f"{config.method}_seed0" / "run", out)
        return train(config, out, resume=True)

    monkeypatch.setattr("keras_dldl.training.train", quick)
    return asked, faults


@pytest.fixture
def trained(monkeypatch):
    """The titles of the cells that are trained or measured, in place of their training."""
    titles = []

    def note(cell, data):
        titles.append(cell.title)
        return cells.CellResult(cell.variant, cell.seed, cells.FAILED, {}, "not run")

    monkeypatch.setattr("keras_dldl.comparison.runner.run_cell", note)
    return titles


def test_files_and_cells_which_are_run_folders_with_an_evaluation(finished):
    names = {path.name for path in finished.out.iterdir()}
    assert names == {
        "cells", "plan.json", "comparison.html", "comparison.json", "comparison.png", "table.csv",
        "table.md",
    }  # fmt: skip
    assert json.loads((finished.out / "comparison.json").read_text()) == finished.content
    names = {path.name for path in (finished.out / "cells").iterdir()}
    assert names == {"dldl-v2_seed0", "dldl_seed0"}
    cell = finished.out / "cells" / "dldl_seed0"
    config = TrainConfig.load(cell / "run" / "config.yaml")
    assert (config.method, config.seed, config.epochs) == ("dldl", 0, 1)
    table = pd.read_csv(cell / "val" / "predictions.csv")
    mae = np.mean(np.abs(table["value"] - table["label"]))
    assert json.loads((cell / "cell.json").read_text())["numbers"]["mae"] == pytest.approx(mae)
    by_name = {entry["name"]: entry for entry in finished.content["variants"]}
    assert by_name["dldl"]["mae"]["mean"] == pytest.approx(mae)


def test_a_cell_is_what_train_alone_would_have_given(finished, folder, tmp_path):
    config = TrainConfig(data=[str(folder)], method="dldl", **SETTINGS)
    alone = train(config, tmp_path / "run")
    record = json.loads((finished.out / "cells" / "dldl_seed0" / "cell.json").read_text())
    assert record["training"]["val_mae"] == alone.best_val_mae


def test_finished_cells_are_read_and_new_ones_run(finished, folder, trained):
    again = compare(plan_of(folder), finished.out)
    assert trained == []
    assert again.content == finished.content
    plan = plan_of(folder, seeds=2, grid={"method": ["dldl-v2", "dldl", "er"]})
    compare(plan, finished.out)
    assert trained == ["er, seed 0", "dldl-v2, seed 1", "dldl, seed 1", "er, seed 1"]
    trained.clear()
    report = compare(plan, finished.out, report_only=True)
    assert trained == []
    assert [e["waiting"] for e in report.content["variants"]] == [[1], [1], [0, 1]]


def test_a_cell_whose_model_changed_is_run_again_and_a_damaged_record_named(folder, tmp_path):
    cell = cells.cells_of(plan_of(folder, grid={"method": ["dldl"]}), tmp_path)[0]
    cell.run.path.mkdir(parents=True)
    cell.run.model.write_bytes(b"a model")
    cell.evaluation.mkdir()
    (cell.evaluation / "predictions.csv").write_text("path,label,value,std\n")
    record = {"variant": "dldl", "seed": 0, "state": "done", "config": cell.config.to_dict()}
    place = cell.folder / "cell.json"
    place.write_text(json.dumps({**record, "model_sha256": "0" * 64}))
    assert cell.stored() is None
    place.write_text("{")
    with pytest.raises(DataError, match=r"record of a cell must be readable.*cell\.json"):
        cell.stored()


def test_a_failed_cell_is_recorded_and_the_others_go_on(folder, tmp_path, copied, caplog):
    asked, faults = copied
    faults["dldl"] = TrainingError("The loss is not finite.")
    plan = plan_of(folder, grid={"method": ["dldl", "dldl-v2"]})
    result = compare(plan, tmp_path / "out")
    assert [(cell.variant, cell.error) for cell in result.failed] == [
        ("dldl", "The loss is not finite.")
    ]
    by_name = {entry["name"]: entry for entry in result.content["variants"]}
    assert by_name["dldl"]["mae"]["mean"] is None
    assert by_name["dldl-v2"]["mae"]["mean"] > 0
    assert "dldl, seed 0 failed: The loss is not finite." in caplog.text
    compare(plan, tmp_path / "out")
    assert asked == ["dldl", "dldl-v2"]  # neither is run again
    compare(plan, tmp_path / "out", retry_failed=True)
    assert asked == ["dldl", "dldl-v2", "dldl"]


def test_a_full_disk_stops_all_and_ctrl_c_reports_what_is_finished(
    folder, tmp_path, copied, caplog
):
    asked, faults = copied
    caplog.set_level(logging.INFO, "keras_dldl")
    faults["dldl-v2"] = OSError(28, "No space left on device")
    with pytest.raises(OSError, match="No space left"):
        compare(plan_of(folder), tmp_path / "out")
    assert asked == ["dldl-v2"]  # a full disk stops all
    faults["dldl"] = KeyboardInterrupt()
    del faults["dldl-v2"]
    with pytest.raises(KeyboardInterrupt):
        compare(plan_of(folder), tmp_path / "out")
    assert "The same command continues from here" in caplog.text
    content = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert {entry["name"]: entry["seeds"] for entry in content["variants"]} == {
        "dldl-v2": [0],
        "dldl": [],
    }
    faults.clear()
    result = compare(plan_of(folder), tmp_path / "out")
    assert [entry["waiting"] for entry in result.content["variants"]] == [[], []]


def test_forecast_from_finished_cells_and_from_a_few_steps(finished, folder, tmp_path):
    plan = plan_of(folder, seeds=2)
    found = forecast(plan, finished.out)
    assert [state for _, state in found.cells] == ["done", "done", "new", "new"]
    records = [
        json.loads((finished.out / "cells" / f"{name}_seed0" / "cell.json").read_text())["training"]
        for name in ("dldl-v2", "dldl")
    ]
    # Two cells of one epoch wait, and two are finished: what those took.
    wanted = sum(r["seconds_per_epoch"] + r["evaluation_seconds"] for r in records)
    assert found.seconds == pytest.approx(wanted)
    assert forecast(plan_of(folder), finished.out).seconds == 0
    fresh = forecast(plan_of(folder), tmp_path / "new")
    assert fresh.seconds > 0
    assert not (tmp_path / "new").exists()


def test_a_run_made_before_is_measured_and_not_trained(finished, folder, tmp_path, copied):
    asked, _ = copied
    run = finished.out / "cells" / "dldl_seed0" / "run"
    plan = plan_of(folder, grid=None, runs={"old": [str(run)]})
    result = compare(plan, tmp_path / "out")
    assert asked == []
    (old,) = result.content["variants"]
    wanted = next(e for e in finished.content["variants"] if e["name"] == "dldl")
    assert (old["given"], old["mae"]) == (True, wanted["mae"])


def test_other_data_are_refused(finished, tmp_path):
    other = write_small_data(tmp_path / "data", seed=1)
    with pytest.raises(ConfigError, match="other data or settings.*rows of the data"):
        compare(plan_of(other), finished.out)
    run = finished.out / "cells" / "dldl_seed0" / "run"
    plan = plan_of(other, grid=None, runs={"old": str(run)})
    with pytest.raises(DataError, match="same faces in the same splits"):
        compare(plan, tmp_path / "out")


def test_runs_that_cannot_be_judged_are_refused(finished, folder, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished.out / "cells" / "dldl_seed0" / "run", run)
    config = TrainConfig.load(run / "config.yaml")
    config.updated({"epochs": 3}).save(run / "config.yaml")
    with pytest.raises(DataError, match="when it is finished.*1 of 3 epochs"):
        compare(plan_of(folder, runs={"old": str(run)}), tmp_path / "out")
    (run / "checkpoint" / "state.npz").unlink()
    with pytest.raises(DataError, match="only with its checkpoint"):
        compare(plan_of(folder, runs={"old": str(run)}), tmp_path / "out")
    both = [str(run), str(finished.out / "cells" / "dldl_seed0" / "run")]
    with pytest.raises(ConfigError, match="nothing but the seed.*other epochs"):
        plan_of(folder, runs={"old": both})
    with pytest.raises(ConfigError, match="each have a seed of its own.*seed 0"):
        plan_of(folder, runs={"old": [both[1], both[1]]})


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"settings": {**SETTINGS, "epochs": 2}}, "epochs: 1 before, 2 now"),
        ({"settings": {**SETTINGS, "augment": {"flip": 0.0}}}, "augment.flip: none before, 0 now"),
        ({"split": "test"}, "no rows of split 'test'"),
    ],
)
def test_folder_of_another_plan(finished, folder, values, named):
    with pytest.raises((ConfigError, DataError), match=named):
        compare(plan_of(folder, **values), finished.out)


def test_folder_of_something_else(folder, tmp_path):
    (tmp_path / "thesis.tex").write_text("text")
    with pytest.raises(ConfigError, match="new or empty folder.*thesis.tex"):
        compare(plan_of(folder), tmp_path)


def test_nothing_is_trained_where_a_later_cell_cannot_be(folder, tmp_path, trained):
    plan = plan_of(folder, groups=[{"settings": {"label_step": 3.0}}])
    with pytest.raises(ConfigError, match="`step` does not fit the grid"):
        compare(plan, tmp_path / "out")
    assert trained == []
