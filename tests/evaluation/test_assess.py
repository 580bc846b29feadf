"""From distributions to `metrics.json`: what is in it, and that its parts agree."""

import json

import numpy as np
import pytest

from keras_dldl.evaluation.assess import assess
from keras_dldl.evaluation.numbers import coverage, summary
from keras_dldl.evaluation.predicting import Views
from keras_dldl.labels import LabelGrid
from keras_dldl.predict import Prediction
from tests.evaluation.made_up import distributions, made_up, rows_of

AGE = LabelGrid.age()
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
    settings = [sure[name] for name in ("level", "replicates", "by", "units")]
    assert settings == [0.95, 2000, "face", COUNT]
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_numbers_are_those_of_the_rows(made, rows):
    table, metrics = made.predictions, made.metrics
    for own, part in (
        (table[rows["gender"] == "male"], metrics["groups"]["gender"]["male"]),
        (table[rows["database"] == "B"], metrics["datasets"]["B"]),
        (table, metrics),
    ):
        expected = summary(own["label"], own["value"], own["sigma"])
        assert {key: part[key] for key in CONTRACT} == {
            key: pytest.approx(expected[key]) for key in CONTRACT
        }
        assert part["interval_90_coverage"] == pytest.approx(
            coverage(own["label"], own["low"], own["high"])
        )
        error = (own["value"] - own["label"]).abs()
        decades = error.groupby(own["label"] // 10).mean()
        assert part.get("balanced_mae", decades.mean()) == pytest.approx(decades.mean())
    assert {name: part["n"] for name, part in metrics["datasets"].items()} == {"A": 45, "B": 15}
    assert all("balanced_mae" in part for part in (metrics, *metrics["datasets"].values()))


def test_low_and_high_are_the_90_percent_interval(made, rows):
    label = rows["label"].to_numpy()
    average = (distributions(label, AGE, 0, 3) + distributions(label, AGE, 1, 4)) / 2
    ends = np.array([Prediction(one, AGE).interval(0.9) for one in average])
    assert np.abs(made.predictions[["low", "high"]].to_numpy() - ends).max() < 1e-4
    found = made.metrics["calibration"]
    covered = found["covered"][found["levels"].index(90.0)]
    assert covered == pytest.approx(made.metrics["interval_90_coverage"])


def test_names_of_ours_in_the_manifest_give_way(made):
    assert made.predictions.columns.tolist() == [
        "path", "label", "value", "std", "low", "high", "against_value", "sigma", "gender",
        "database", "manifest_low",
    ]  # fmt: skip


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


def calibration_of(p, label):
    views = Views(range(len(p)), p, p)
    return assess(rows_of(len(p)).assign(label=label), views, AGE)[0]["calibration"]


def test_labels_drawn_from_the_distributions_are_covered_as_claimed():
    random = np.random.default_rng(0)
    centre = random.uniform(25, 75, 4000)
    p = np.exp(-0.5 * ((AGE.labels64 - centre[:, None]) / 6) ** 2)
    p /= p.sum(axis=1, keepdims=True)
    found = calibration_of(p, centre + random.normal(0, 6, 4000))
    assert found["levels"] == [float(k) for k in range(5, 100, 5)]
    # Four standard errors of a share of 4000.
    assert found["covered"] == pytest.approx(found["levels"], abs=4 * 100 * 0.5 / 4000**0.5)
    pairs = zip(found["levels"], found["confidence"], strict=True)
    assert sum(low <= claimed <= high for claimed, (low, high) in pairs) >= 15
    # The central 90 % of a normal distribution: 2 x 1.645 sigma; the cells add a little.
    assert found["mean_width"][17] == pytest.approx(2 * 1.645 * 6, rel=0.02)


def test_calibration_by_hand():
    # All mass on one label: the interval of a level is that share of a year about it.
    found = calibration_of(np.eye(101)[[10, 20, 30, 40]], [10, 20.12, 29.7, 42])
    expected = [25.0] * 4 + [50.0] * 7 + [75.0] * 8  # held from 24 % and from 60 % on
    assert found["covered"][:11] + found["covered"][12:] == expected[:11] + expected[12:]
    assert found["mean_width"] == pytest.approx([level / 100 for level in found["levels"]])
    assert found["largest_gap"] == {"level": 25.0, "difference": 25.0}
    assert found["confidence"] == [None] * 19


def test_one_row_has_numbers_but_no_intervals():
    metrics = made_up(rows_of(1)).metrics
    assert metrics["n"] == 1 and metrics["pearson"] is None
    assert metrics["confidence"]["mae"] is None
    assert "intervals of the numbers need at least 10 faces" in metrics["notes"]


def test_constant_labels_leave_the_correlation_undefined():
    metrics = made_up(rows_of(20).assign(label=40.0)).metrics
    assert metrics["pearson"] is None and metrics["confidence"]["pearson"] is None
    assert metrics["confidence"]["mae"] is not None
    assert any("pearson is undefined" in note for note in metrics["notes"])
