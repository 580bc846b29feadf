"""Splits: stable, by subject, of the right size."""

import hashlib

import pandas as pd
import pytest

from keras_dldl.data.splits import assign_splits, unit_hash
from keras_dldl.errors import ConfigError


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


def test_hash_is_the_head_of_sha256():
    digest = hashlib.sha256(b"0:somebody").hexdigest()
    assert unit_hash("0:somebody") == int(digest[:16], 16) / 2**64


@pytest.mark.parametrize("shares", [(0.5, 0.5), (-0.1, 0), (0, 1)])
def test_impossible_shares(shares):
    with pytest.raises(ConfigError, match="Received: val="):
        assign_splits(rows(3), *shares)
