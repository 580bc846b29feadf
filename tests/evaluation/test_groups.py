"""Numbers by group: which columns, which rows in which group, in what order."""

import numpy as np
import pandas as pd
import pytest

from keras_dldl.errors import DataError
from keras_dldl.evaluation.groups import decades, group_members, grouping_columns


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


def test_people_and_columns_with_many_values_are_used_only_when_asked_for(rows):
    rows["photo"] = rows["path"]
    assert grouping_columns(rows) == ["gender", "cohort", "decade"]
    assert grouping_columns(rows, ["photo", "subject"]) == ["photo", "subject", "decade"]
    assert grouping_columns(rows.iloc[:50]) == ["gender", "cohort", "photo", "decade"]


def test_only_ages_have_decades(rows):
    assert grouping_columns(rows, task="attractiveness") == ["gender", "cohort"]
    assert grouping_columns(rows, ["gender", "gender"], "attractiveness") == ["gender"]
    assert grouping_columns(rows, ["decade"]) == ["decade"]


def test_an_unknown_column_is_named_with_those_there_are(rows):
    with pytest.raises(DataError, match="gender, cohort, decade.*Received: race"):
        grouping_columns(rows, ["gender", "race"])
    with pytest.raises(DataError, match="Received: decade"):
        grouping_columns(rows, ["decade"], "attractiveness")


def test_each_group_holds_its_rows(rows):
    groups = group_members(rows, ["gender", "cohort"])
    assert groups["gender"]["female"].tolist() == list(range(0, 60, 2))
    assert groups["cohort"]["10"].tolist() == list(range(0, 60, 3))


def test_groups_stand_in_natural_order_rows_without_a_value_last(rows):
    assert list(group_members(rows, ["cohort"])["cohort"]) == ["2", "10", "(none)"]
    rows["label"] = np.repeat([95.0, 20.0, 5.0], 20)
    assert list(group_members(rows, ["decade"])["decade"]) == ["0-9", "20-29", "90-99"]


def test_groups_of_few_faces_are_one(rows):
    rows["race"] = ["a"] * 20 + ["b"] * 19 + ["c"] * 21
    rows.loc[40, "race"] = "d"
    groups = group_members(rows, ["race"])["race"]
    assert {name: len(index) for name, index in groups.items()} == {
        "a": 20,
        "c": 20,
        "(others)": 20,
    }
    assert groups["(others)"].tolist() == [*range(20, 39), 40]


def test_a_decade_column_of_the_manifest_gives_way(rows):
    rows["decade"], rows["label"] = "the roaring twenties", 5.0
    assert list(group_members(rows, grouping_columns(rows))["decade"]) == ["0-9"]


def test_decades_of_ages_between_whole_years():
    assert decades(np.array([9.99, 10.0, 19.5, 100])).tolist() == [
        "0-9",
        "10-19",
        "10-19",
        "100-109",
    ]
