"""Splits: stable, by subject, of the right size."""

import hashlib

import pandas as pd
import pytest

from keras_dldl.data.splits.protocol import assign_splits, unit_hash
from keras_dldl.errors import ConfigError, DataError


def rows(count=4000, **columns):
    return pd.DataFrame({"path": [f"{k}.jpg" for k in range(count)], **columns})


def test_shares_are_met_within_three_standard_deviations():
    counts = assign_splits(rows(), val=0.1, test=0.2, seed=3).value_counts()
    assert abs(counts["val"] - 400) < 3 * (4000 * 0.1 * 0.9) ** 0.5
    assert abs(counts["test"] - 800) < 3 * (4000 * 0.2 * 0.8) ** 0.5


def test_the_draw_does_not_depend_on_the_other_rows():
    table = rows()
    whole = assign_splits(table, seed=1)
    part = assign_splits(table.iloc[::-7], seed=1)
    assert (whole.loc[part.index] == part).all()
    assert (assign_splits(table, seed=2) != whole).any()


def test_a_subject_is_never_in_two_parts():
    table = rows(subject=[f"person {k % 300}" for k in range(4000)])
    table["split"] = assign_splits(table)
    assert (table.groupby("subject")["split"].nunique() == 1).all()
    assert table["split"].nunique() == 3


def test_given_splits_stay():
    table = rows(6, split=["test", None, "train", None, "val", None])
    split = assign_splits(table, val=0, test=0)
    assert split.tolist() == ["test", "train", "train", "train", "val", "train"]


def test_a_split_given_to_one_row_holds_for_its_subject():
    table = rows(7, subject=["a", "a", "b", "b", None, None, "c"])
    table["split"] = [None, "test", "val", None, "test", None, None]
    split = assign_splits(table, val=0, test=0)
    assert split.tolist() == ["test", "test", "val", "val", "test", "train", "train"]
    drawn = assign_splits(table.drop(columns="split"), val=0.3, test=0.3, seed=5)
    split = assign_splits(table, val=0.3, test=0.3, seed=5)
    assert split.tolist()[5:] == drawn.tolist()[5:]


def test_rows_without_subject_are_no_subject():
    table = rows(3, subject=[None, None, "a"], split=["test", "val", None])
    assert assign_splits(table, val=0, test=0).tolist() == ["test", "val", "train"]


@pytest.mark.parametrize("empty", [None, float("nan")])
def test_an_empty_column_of_splits_gives_none(empty):
    table = rows(50, subject=[f"s{k % 9}" for k in range(50)])
    drawn = assign_splits(table, val=0.3)
    assert assign_splits(table.assign(split=empty), val=0.3).tolist() == drawn.tolist()
    nobody = table.assign(subject=empty, split=empty)
    assert assign_splits(nobody).tolist() == assign_splits(rows(50)).tolist()


def test_a_subject_given_two_splits_is_refused():
    table = rows(16, subject=[f"s{k // 2}" for k in range(16)], split=["train", "test"] * 8)
    with pytest.raises(DataError, match="different ones for subject s0, s1, s2, s3, s4 and 3 more"):
        assign_splits(table)
    table.loc[2:, "split"] = "val"
    with pytest.raises(DataError, match="for subject s0$"):
        assign_splits(table)


def test_hash_is_the_head_of_sha256():
    digest = hashlib.sha256(b"0:somebody").hexdigest()
    assert unit_hash("0:somebody") == int(digest[:16], 16) / 2**64


@pytest.mark.parametrize("shares", [(0.5, 0.5), (-0.1, 0), (0, 1)])
def test_impossible_shares(shares):
    with pytest.raises(ConfigError, match="Received: val="):
        assign_splits(rows(3), *shares)
