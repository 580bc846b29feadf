"""From distributions to `metrics.json`: what is in it, and that its parts agree."""

import json

import numpy as np
import pytest

from keras_dldl.evaluation.numbers import coverage, summary
from keras_dldl.evaluation.predicting import decode
from keras_dldl.labels import LabelGrid
from keras_dldl.predict import Prediction
from tests.evaluation.made_up import distributions, made_up, rows_of

COUNT = 60
CONTRACT = {"n", "mae", "cs", "rmse", "pearson", "epsilon_error"}


@pytest.fixture(scope="module")
def rows():
    return rows_of(
        COUNT,
        sigma=np.where(np.arange(COUNT) % 2, 3.0, np.nan),
        gender=["female", "male", "male"] * (COUNT // 3),
        database=["A"] * 45 + ["B"] * 15,
        low=1,
    )


@pytest.fixture(scope="module")
def made(rows):
    return made_up(rows, against=True, origins=rows["database"].to_numpy(object))


def test_all_parts_have_the_contracts_numbers_and_intervals(made):
    metrics = made.metrics
    parts = [metrics, *metrics["groups"]["gender"].values(), *metrics["datasets"].values()]
    for part in parts:
        assert CONTRACT | {"interval_90_coverage", "confidence"} <= set(part)
        low, high = part["confidence"]["mae"]
        assert low < part["mae"] < high
        assert set(part["confidence"]["cs"]) == {"3", "5", "8"}
    sure = metrics["confidence"]
    assert (sure["level"], sure["replicates"], sure["by"], sure["units"]) == (
        0.95, 2000, "face", COUNT,
    )  # fmt: skip
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_numbers_are_those_of_the_rows(made, rows):
    table = made.predictions
    for column, name, part in (
        ("gender", "male", made.metrics["groups"]["gender"]["male"]),
        ("database", "B", made.metrics["datasets"]["B"]),
    ):
        own = table[rows[column] == name]
        expected = summary(own["label"], own["value"], own["sigma"])
        for key in CONTRACT:
            assert part[key] == pytest.approx(expected[key]), key
        held = (own["low"] <= own["label"]) & (own["label"] <= own["high"])
        assert part["interval_90_coverage"] == pytest.approx(100 * held.mean())
    assert list(made.metrics["datasets"]) == ["A", "B"]
    assert sum(part["n"] for part in made.metrics["datasets"].values()) == COUNT


def test_low_and_high_are_the_90_percent_interval(made, rows):
    grid = LabelGrid.age()
    label = rows["label"].to_numpy()
    average = (distributions(label, grid, 0, 3) + distributions(label, grid, 1, 4)) / 2
    ends = np.array([Prediction(one, grid).interval(0.9) for one in average])
    assert np.abs(made.predictions[["low", "high"]].to_numpy() - ends).max() < 1e-4
    level = made.metrics["calibration"]["levels"].index(90.0)
    covered = coverage(label, made.predictions["low"], made.predictions["high"])
    assert made.metrics["calibration"]["covered"][level] == pytest.approx(covered)
    assert made.metrics["interval_90_coverage"] == pytest.approx(covered)


def test_names_of_ours_in_the_manifest_give_way(made):
    columns = made.predictions.columns.tolist()
    assert columns[:7] == ["path", "label", "value", "std", "low", "high", "against_value"]
    assert columns[7:] == ["sigma", "gender", "database", "manifest_low"]


def test_against_is_the_difference_of_the_two_columns(made, rows):
    table, found = made.predictions, made.metrics["against"]
    ours, theirs = ((table[name] - table["label"]).abs() for name in ("value", "against_value"))
    assert found["mae_difference"] == pytest.approx((ours - theirs).mean())
    assert found["mae"] == found["numbers"]["mae"] == pytest.approx(theirs.mean())
    low, high = found["confidence"]
    assert low < found["mae_difference"] < high
    male = (rows["gender"] == "male").to_numpy()
    entry = found["groups"]["gender"]["male"]
    assert entry["mae_difference"] == pytest.approx((ours - theirs)[male].mean())
    assert entry["p_holm"] >= entry["p_permutation"]
    assert set(found["datasets"]) == {"A", "B"}


def test_the_other_model_is_decoded_by_its_own_grid():
    label = rows_of(5)["label"].to_numpy()
    fine = LabelGrid(0, 100, 0.5)
    assert decode(distributions(label, fine), fine)[0] == pytest.approx(label, abs=8)


def test_one_row_has_numbers_but_no_intervals():
    metrics = made_up(rows_of(1)).metrics
    assert metrics["n"] == 1 and metrics["pearson"] is None
    assert metrics["confidence"]["mae"] is None
    assert metrics["calibration"]["confidence"][0] is None
    assert "intervals of the numbers need at least 10 faces" in metrics["notes"]


def test_constant_labels_leave_the_correlation_undefined():
    metrics = made_up(rows_of(20).assign(label=40.0)).metrics
    assert metrics["pearson"] is None and metrics["confidence"]["pearson"] is None
    assert metrics["confidence"]["mae"] is not None
    assert any("pearson is undefined" in note for note in metrics["notes"])
