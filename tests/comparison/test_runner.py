import json
import logging

import numpy as np
import pandas as pd
import pytest

from keras_dldl.comparison import Plan, cells, compare
from keras_dldl.errors import ConfigError, DataError, TrainingError
from keras_dldl.training import TrainConfig, train
from tests.training.small_data import SMALL, write_small_data

SETTINGS = {**SMALL, "epochs": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_data(tmp_path_factory.mktemp("data"))


def plan_of(folder, **values):
    given = {"grid": {"method": ["dldl-v2", "dldl"]}, "settings": SETTINGS, "split": "val"}
    return Plan.from_dict({"data": [str(folder)], **given, **values})


@pytest.fixture(scope="module")
def finished(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("compared") / "out"
    return compare(plan_of(folder, seeds=2), out)


@pytest.fixture
def trained(monkeypatch):
    """The titles of the cells that are trained or measured, in place of their training."""
    titles = []

    def note(cell, data):
        titles.append(cell.title)
        return cells.CellResult(cell.variant, cell.seed, cells.FAILED, {}, "not run")

    monkeypatch.setattr("keras_dldl.comparison.runner.run_cell", note)
    return titles


def test_cells_are_run_folders_with_an_evaluation(finished):
    names = {path.name for path in (finished.out / "cells").iterdir()}
    assert names == {f"{method}_seed{seed}" for method in ("dldl-v2", "dldl") for seed in (0, 1)}
    cell = finished.out / "cells" / "dldl_seed1"
    config = TrainConfig.load(cell / "run" / "config.yaml")
    assert (config.method, config.seed, config.epochs) == ("dldl", 1, 1)
    table = pd.read_csv(cell / "val" / "predictions.csv")
    mae = np.mean(np.abs(table["value"] - table["label"]))
    assert json.loads((cell / "cell.json").read_text())["numbers"]["mae"] == pytest.approx(mae)


def test_a_cell_is_what_train_would_have_given(finished, folder, tmp_path):
    config = TrainConfig(data=[str(folder)], method="dldl", seed=1, **SETTINGS)
    alone = train(config, tmp_path / "run")
    record = json.loads((finished.out / "cells" / "dldl_seed1" / "cell.json").read_text())
    assert record["training"]["val_mae"] == alone.best_val_mae


def test_finished_cells_are_read_and_new_ones_run(finished, folder, trained):
    again = compare(plan_of(folder, seeds=2), finished.out)
    assert trained == []
    assert again.content == finished.content
    plan = plan_of(folder, seeds=3, grid={"method": ["dldl-v2", "dldl", "er"]})
    compare(plan, finished.out)
    assert trained == [
        "er, seed 0", "er, seed 1", "dldl-v2, seed 2", "dldl, seed 2", "er, seed 2",
    ]  # fmt: skip


def test_a_cell_whose_model_changed_is_run_again(folder, tmp_path, trained):
    plan = plan_of(folder, grid={"method": ["dldl"]})
    cell = cells.cells_of(plan, tmp_path)[0]
    cell.run.path.mkdir(parents=True)
    cell.run.model.write_bytes(b"a model")
    cell.evaluation.mkdir()
    (cell.evaluation / "predictions.csv").write_text("path,label,value,std\n")
    record = {"variant": "dldl", "seed": 0, "state": "done", "config": cell.config.to_dict()}
    (cell.folder / "cell.json").write_text(json.dumps({**record, "model_sha256": "0" * 64}))
    assert cell.stored() is None


def test_a_failed_cell_is_recorded_and_the_others_go_on(folder, tmp_path, monkeypatch, caplog):
    real, calls = train, []

    def fails_for_dldl(config, out, resume=False):
        calls.append(config.method)
        if config.method == "dldl":
            raise TrainingError("The loss is not finite.")
        return real(config, out, resume)

    monkeypatch.setattr("keras_dldl.training.train", fails_for_dldl)
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
    assert calls == ["dldl", "dldl-v2"]  # neither is run again
    compare(plan, tmp_path / "out", retry_failed=True)
    assert calls == ["dldl", "dldl-v2", "dldl"]


def test_ctrl_c_reports_what_is_finished_and_the_next_call_goes_on(
    folder, tmp_path, monkeypatch, caplog
):
    caplog.set_level(logging.INFO, "keras_dldl")
    real = train

    def stopped_in_dldl(config, out, resume=False):
        if config.method == "dldl":
            raise KeyboardInterrupt
        return real(config, out, resume)

    monkeypatch.setattr("keras_dldl.training.train", stopped_in_dldl)
    with pytest.raises(KeyboardInterrupt):
        compare(plan_of(folder), tmp_path / "out")
    assert "The same command goes on from here" in caplog.text
    content = json.loads((tmp_path / "out" / "comparison.json").read_text())
    by_name = {entry["name"]: entry for entry in content["variants"]}
    assert by_name["dldl"]["waiting"] == [0]
    assert by_name["dldl-v2"]["seeds"] == [0]
    monkeypatch.undo()
    result = compare(plan_of(folder), tmp_path / "out")
    assert [entry["waiting"] for entry in result.content["variants"]] == [[], []]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"settings": {**SETTINGS, "epochs": 2}}, "epochs: 1 before, 2 now"),
        ({"settings": {**SETTINGS, "augment": {"flip": 0.0}}}, "augment.flip: none before, 0.0"),
        ({"split": "test"}, "no rows of split 'test'"),
    ],
)
def test_folder_of_another_plan(finished, folder, values, named):
    with pytest.raises((ConfigError, DataError), match=named):
        compare(plan_of(folder, **values), finished.out)


def test_folder_of_other_data(finished, tmp_path):
    other = write_small_data(tmp_path / "data", seed=1)
    with pytest.raises(ConfigError, match="other data or settings.*rows of the data"):
        compare(plan_of(other), finished.out)


def test_folder_of_something_else(folder, tmp_path):
    (tmp_path / "thesis.tex").write_text("text")
    with pytest.raises(ConfigError, match="new or empty folder.*thesis.tex"):
        compare(plan_of(folder), tmp_path)


def test_a_damaged_record_is_named(folder, tmp_path):
    plan = plan_of(folder, grid={"method": ["dldl"]})
    place = tmp_path / "cells" / "dldl_seed0" / "cell.json"
    place.parent.mkdir(parents=True)
    place.write_text("{")
    with pytest.raises(DataError, match=r"record of a cell must be readable.*cell\.json"):
        cells.cells_of(plan, tmp_path)[0].stored()


def test_nothing_is_trained_where_a_later_cell_cannot_be(folder, tmp_path, trained):
    plan = plan_of(folder, groups=[{"settings": {"label_step": 3.0}}])
    with pytest.raises(ConfigError, match="`step` does not fit the grid"):
        compare(plan, tmp_path / "out")
    assert trained == []
