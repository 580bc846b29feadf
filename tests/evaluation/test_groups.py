"""Numbers by group: which columns, which rows in which group, in what order."""

import numpy as np
import pandas as pd
import pytest

from keras_dldl.errors import DataError
from keras_dldl.evaluation.groups import decades, group_summaries, grouping_columns
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


def test_columns_with_many_values_are_used_only_when_asked_for(rows):
    assert grouping_columns(rows) == ["gender", "cohort", "decade"]
    assert grouping_columns(rows, ["subject"]) == ["subject", "decade"]
    assert grouping_columns(rows.iloc[:50]) == ["subject", "gender", "cohort", "decade"]


def test_only_ages_have_decades(rows):
    assert grouping_columns(rows, task="attractiveness") == ["gender", "cohort"]
    assert grouping_columns(rows, ["gender", "gender"], "attractiveness") == ["gender"]
    assert grouping_columns(rows, ["decade"]) == ["decade"]


def test_an_unknown_column_is_named_with_those_there_are(rows):
    with pytest.raises(DataError, match="gender, cohort, decade.*Received: race"):
        grouping_columns(rows, ["gender", "race"])
    with pytest.raises(DataError, match="Received: decade"):
        grouping_columns(rows, ["decade"], "attractiveness")


def test_each_group_is_the_summary_of_its_rows(rows):
    value = rows["label"].to_numpy() + np.random.default_rng(0).normal(0, 5, 60)
    groups = group_summaries(rows, value, ["gender", "cohort", "decade"])
    female = rows["gender"] == "female"
    expected = summary(rows["label"][female], value[female], rows["sigma"][female])
    assert groups["gender"]["female"] == expected
    for column in groups.values():
        assert sum(numbers["n"] for numbers in column.values()) == 60


def test_groups_stand_in_natural_order_rows_without_a_value_last(rows):
    groups = group_summaries(rows, rows["label"].to_numpy(), ["cohort", "decade"])
    assert list(groups["cohort"]) == ["2", "10", "(none)"]
    assert list(groups["decade"])[:3] == ["0-9", "10-19", "20-29"]
    assert list(groups["decade"])[-1] == "90-99"


def test_a_decade_column_of_the_manifest_gives_way(rows):
    rows["decade"] = "the roaring twenties"
    groups = group_summaries(rows, rows["label"].to_numpy(), grouping_columns(rows))
    assert "0-9" in groups["decade"]


def test_decades_of_ages_between_whole_years():
    assert decades(np.array([9.99, 10.0, 19.5, 100])).tolist() == [
        "0-9",
        "10-19",
        "10-19",
        "100-109",
    ]
