"""Numbers by group: which columns, which rows in which group, in what order; their gaps."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from keras_dldl.errors import DataError
from keras_dldl.evaluation.confidence import Part, draw, moments
from keras_dldl.evaluation.groups import (
    MIN_FACES_OF_GAPS,
    decades,
    gaps,
    group_members,
    grouping_columns,
)
from keras_dldl.evaluation.numbers import summary


@pytest.fixture
def rows():
    return pd.DataFrame(
        {
            "path": [f"{i}.png" for i in range(60)],
            "label": np.linspace(0, 99.9, 60),
            "sigma": 2.0,
            "subject": [f"person {i}" for i in range(60)],
            "gender": ["female", "male"] * 30,
            "cohort": [10.0, 2.0, np.nan] * 20,
        }
    )


def test_the_columns_are_those_of_groups_and_for_ages_the_decade(rows):
    rows["photo"] = rows["path"]
    assert grouping_columns(rows) == ["gender", "cohort", "decade"]
    assert grouping_columns(rows.iloc[:50]) == ["gender", "cohort", "photo", "decade"]
    assert grouping_columns(rows, ["photo", "subject"]) == ["photo", "subject", "decade"]
    assert grouping_columns(rows, ["decade"]) == ["decade"]
    assert grouping_columns(rows, task="attractiveness") == ["gender", "cohort"]
    assert grouping_columns(rows, ["gender", "gender"], "attractiveness") == ["gender"]
    with pytest.raises(DataError, match="gender, cohort, photo, decade.*Received: race"):
        grouping_columns(rows.iloc[:50], ["gender", "race"])
    with pytest.raises(DataError, match="Received: decade"):
        grouping_columns(rows, ["decade"], "attractiveness")


def test_each_group_holds_its_rows_in_natural_order_those_without_a_value_last(rows):
    rows["decade"], rows["label"] = "the roaring twenties", np.repeat([95.0, 20.0, 5.0], 20)
    groups = group_members(rows, ["gender", "cohort", "decade"])
    assert groups["gender"]["female"].tolist() == list(range(0, 60, 2))
    assert groups["cohort"]["10"].tolist() == list(range(0, 60, 3))
    assert list(groups["cohort"]) == ["2", "10", "(none)"]
    assert list(groups["decade"]) == ["0-9", "20-29", "90-99"]  # of ours, not of the manifest


def test_groups_of_few_faces_are_one(rows):
    rows["race"] = ["a"] * 20 + ["b"] * 19 + ["c"] * 21
    rows.loc[40, "race"] = "d"
    groups = group_members(rows, ["race"])["race"]
    sizes = {name: len(index) for name, index in groups.items()}
    assert sizes == {"a": 20, "c": 20, "(others)": 20}
    assert groups["(others)"].tolist() == [*range(20, 39), 40]


def test_decades_of_ages_between_whole_years():
    found = decades(np.array([9.99, 10.0, 19.5, 100])).tolist()
    assert found == ["0-9", "10-19", "10-19", "100-109"]


RNG = np.random.default_rng(3)
SIZES = {"a": 60, "b": 50, "c": MIN_FACES_OF_GAPS - 1, "(none)": 40}
ERROR = {
    "a": RNG.normal(2, 3, 60),
    "b": RNG.normal(-1, 6, 50),
    "c": np.full(MIN_FACES_OF_GAPS - 1, 50.0),
    "(none)": np.full(40, -50.0),
}


def gaps_by(column="race"):
    error = np.concatenate(list(ERROR.values()))
    label = np.full(error.shape, 40.0)
    columns = moments(label, label + error, None, error > 0)
    starts = np.cumsum([0, *SIZES.values()])
    index = {n: np.arange(starts[k], starts[k + 1]) for k, n in enumerate(SIZES)}
    parts = {("groups", column, n): Part(i, columns[i]) for n, i in index.items()}
    drawn = draw(parts, np.arange(len(error)))
    groups = {column: {n: summary(label[i], (label + error)[i]) for n, i in index.items()}}
    return gaps(groups, drawn)


def test_gaps_are_those_of_the_large_groups_with_a_value():
    result = gaps_by()
    assert result["min_faces"] == MIN_FACES_OF_GAPS
    race = result["columns"]["race"]
    assert race["groups"] == ["a", "b"]
    mae = {name: np.abs(error).mean() for name, error in ERROR.items()}
    assert (race["mae"]["highest"], race["mae"]["lowest"]) == ("b", "a")
    assert race["mae"]["gap"] == pytest.approx(mae["b"] - mae["a"])
    assert (race["bias"]["highest"], race["bias"]["lowest"]) == ("a", "b")
    assert race["bias"]["gap"] == pytest.approx(ERROR["a"].mean() - ERROR["b"].mean())


def test_the_interval_is_that_of_two_independent_samples():
    # Drawing all faces leaves the groups' sizes to chance, which widens it by next to nothing.
    def difference(a, b, axis=-1):
        return np.abs(b).mean(axis=axis) - np.abs(a).mean(axis=axis)

    theirs = stats.bootstrap(
        (ERROR["a"], ERROR["b"]), difference, method="percentile", n_resamples=4000, rng=1
    ).confidence_interval
    ours = gaps_by()["columns"]["race"]["mae"]["confidence"]
    assert ours == pytest.approx(list(theirs), abs=0.12 * (theirs.high - theirs.low))


def test_parts_of_the_data_and_one_large_group_have_no_gap():
    assert gaps_by("split")["columns"] == {}
    only = {"g": {"x": {"n": 100, "mae": 1.0, "bias": 0.0}, "y": {"n": 2, "mae": 9.0, "bias": 1}}}
    result = gaps(only, None)["columns"]["g"]
    assert result == {"groups": ["x"], "mae": None, "bias": None}
