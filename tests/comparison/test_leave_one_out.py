import json

import numpy as np
import pandas as pd
import pytest

from keras_dldl import configs
from keras_dldl.comparison import Plan, compare, forecast
from keras_dldl.comparison.leave_one_out import parts_of, table
from keras_dldl.comparison.plan import plan_values
from keras_dldl.errors import ConfigError
from tests.training.small_data import MINI, write_small_data

pytestmark = pytest.mark.usefixtures("mini_backbone")

SETTINGS = {**MINI, "epochs": 1}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    return [str(write_small_data(root / name, seed=k)) for k, name in enumerate(("a", "b"))]


def plan_of(folders, **values):
    given = {"grid": {"method": ["dldl-v2"]}, "settings": SETTINGS, "split": "val"}
    return Plan.from_dict({"data": folders, "leave_one_out": True, **given, **values})


@pytest.fixture(scope="module")
def finished(folders, tmp_path_factory):
    return compare(plan_of(folders), tmp_path_factory.mktemp("compared") / "out")


def test_each_data_set_is_measured_by_a_model_of_the_others(finished, folders):
    for left, trained in (("a", folders[1]), ("b", folders[0])):
        cell = finished.out / left / "cells" / "dldl-v2_seed0"
        record = json.loads((cell / "cell.json").read_text())
        assert record["config"]["data"] == [trained]
        faces = pd.read_csv(cell / "val" / "predictions.csv")
        wanted = pd.read_csv(f"{folders[left == 'b']}/manifest.csv").query("split == 'val'")
        np.testing.assert_array_equal(faces["label"], wanted["label"])


def test_the_table_has_mae_bias_and_balanced_mae(finished):
    rows = {row["left_out"]: row for row in finished.content["rows"]}
    assert list(rows) == ["a", "b", "mean"]
    for left in ("a", "b"):
        cell = finished.out / left / "cells" / "dldl-v2_seed0"
        faces = pd.read_csv(cell / "val" / "predictions.csv")
        error = faces["value"] - faces["label"]
        decades = error.abs().groupby(faces["label"] // 10).mean()
        assert rows[left]["mae"] == pytest.approx(error.abs().mean())
        assert rows[left]["bias"] == pytest.approx(error.mean())
        assert rows[left]["balanced_mae"] == pytest.approx(decades.mean())
    for number in ("mae", "bias", "balanced_mae"):
        both = (rows["a"][number] + rows["b"][number]) / 2
        assert rows["mean"][number] == pytest.approx(both)
    head, *lines = table(finished.content)
    assert head[3:] == ["MAE (years)", "bias (years)", "balanced MAE (years)"]
    assert lines[0][4] == f"{rows['a']['bias']:+.2f}"
    assert (finished.out / "table.md").read_text().splitlines()[2].startswith("| dldl-v2 | a | 1 |")


def test_what_is_finished_is_read_and_a_changed_test_set_refused(finished, folders, tmp_path):
    again = compare(plan_of(folders), finished.out)
    assert again.content == finished.content
    assert [state for _, state in forecast(plan_of(folders), finished.out).cells] == ["done"] * 2
    other = write_small_data(tmp_path / "other" / "a", seed=7)
    with pytest.raises(ConfigError, match="rows of the data"):
        compare(plan_of([str(other), folders[1]]), finished.out)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"data": ["x"]}, "at least two are needed.*Received: x"),
        ({"data": ["x/a", "y/a"]}, "name of its own.*'a'"),
        ({"test_data": ["z"]}, "neither `runs` nor `test_data`"),
        ({"leave_one_out": "yes"}, "`leave_one_out` must be true or false.*'yes'"),
    ],
)
def test_bad_plans(values, named, tmp_path):
    with pytest.raises(ConfigError, match=named):
        parts_of(plan_of(["x/a", "y/b"], **values), tmp_path)


def test_the_shipped_plan(folders):
    assert configs.names(configs.PLANS) == ["leave-one-out"]
    plan = Plan.from_dict(plan_values("leave-one-out", data=folders))
    assert (plan.leave_one_out, plan.split) == (True, "val")
    assert [variant.name for variant in plan.variants] == ["dldl-v2"]
    with pytest.raises(ConfigError, match="shipped one: leave-one-out. Did you mean"):
        plan_values("leave-one-uot")
