"""Protocols: official splits, folds of the data set's own, one person left out; what is refused."""

import time
from pathlib import Path

import pandas as pd
import pytest

from keras_dldl.data.prepare import PrepareOptions
from keras_dldl.data.prepare.shards import jobs_of
from keras_dldl.data.splits.protocol import (
    SplitOptions,
    assign_splits,
    draw_folds,
    split_rows,
    warn_of_empty_splits,
)
from keras_dldl.errors import ConfigError, DataError


@pytest.fixture
def table():
    """300 rows of 30 people."""
    return pd.DataFrame(
        {
            "path": [f"{k}.jpg" for k in range(300)],
            "label": [float(k % 90) for k in range(300)],
            "subject": [f"p{k % 30:02d}" for k in range(300)],
        }
    )


def test_official_keeps_what_is_given_and_draws_the_rest(table):
    given = pd.Series([None] * 300, dtype=object).where(table["subject"] != "p03", "test")
    split = split_rows(table, SplitOptions(val=0.3), given)
    assert (split[table["subject"] == "p03"] == "test").all()
    drawn = assign_splits(table, val=0.3)
    rest = table["subject"] != "p03"
    assert split[rest].tolist() == drawn[rest].tolist()
    assert split_rows(table, SplitOptions(val=0.3)).equals(drawn)


def test_drawn_ignores_what_is_given(table):
    given = pd.Series("train", index=table.index)
    split = split_rows(table.assign(split=given), SplitOptions(split="drawn"), given)
    assert split.equals(assign_splits(table))


def test_official_test_draws_validation_from_all_other_rows(table):
    given = table["subject"].map(lambda name: "test" if name < "p10" else "train")
    split = split_rows(table, SplitOptions(split="official-test", val=0.4), given)
    assert ((split == "test") == (given == "test")).all()
    val = assign_splits(table, val=0.4, test=0) == "val"
    assert ((split == "val") == (val & (given != "test"))).all() and (split == "val").any()


@pytest.mark.parametrize("given", [None, pd.Series(["train", None] * 150)])
def test_official_test_needs_test_rows(table, given):
    with pytest.raises(DataError, match=r"Received: (no official splits|only train)$"):
        split_rows(table, SplitOptions(split="official-test"), given)


def test_each_fold_is_the_test_part_once(table):
    parts = [split_rows(table, SplitOptions(folds=4, fold=k, val=0.2)) for k in (1, 2, 3, 4)]
    folds = draw_folds(table, 4)
    for k, part in enumerate(parts, start=1):
        assert ((part == "test") == (folds == k)).all()
    # A person for validation is one in every fold in which it is not tested on.
    joined = pd.DataFrame(parts).T
    others = joined.apply(lambda row: set(row) - {"test"}, axis=1)
    assert (others.map(len) == 1).all() and others.map(lambda s: s == {"val"}).any()


def test_own_folds_are_taken_from_the_column(table):
    table["fold"] = [int(name[1:]) % 3 + 1 for name in table["subject"]]
    split = split_rows(table, SplitOptions(fold=2, val=0))
    assert ((split == "test") == (table["fold"] == 2)).all()
    with pytest.raises(DataError, match="own: 1, 2, 3. Received: fold=4"):
        split_rows(table, SplitOptions(fold=4))
    with pytest.raises(DataError, match="--folds K draws K of them. Received: fold=2"):
        split_rows(table.drop(columns="fold"), SplitOptions(fold=2))
    text = table.assign(fold=table["fold"].map({1: "60-40", 2: None, 3: "3"}))
    split = split_rows(text, SplitOptions(fold="60-40"))
    assert ((split == "test") == (table["fold"] == 1)).all()
    with pytest.raises(DataError, match="own: 3, 60-40. Received: fold=None$"):
        split_rows(text, SplitOptions(fold="None"))
    floats = table.assign(fold=table["fold"].where(table["fold"] != 3))
    assert split_rows(floats, SplitOptions(fold=2, val=0)).equals(
        split_rows(table, SplitOptions(fold=2, val=0))
    )
    drawn = SplitOptions(folds=3, fold=2, val=0)
    assert ((split_rows(table, drawn) == "test") == (draw_folds(table, 3) == 2)).all()


def test_own_folds_that_tear_a_person_are_refused(table):
    table["fold"] = [k % 4 for k in range(300)]
    with pytest.raises(DataError, match="different ones for subject p01, .* and 10 more"):
        split_rows(table, SplitOptions(fold=1))
    split = split_rows(table.drop(columns="subject"), SplitOptions(fold=1))
    assert (split == "test").sum() == 75


def test_one_person_left_out(table):
    table.loc[table["subject"] == "p01", "subject"] = None
    split = split_rows(table, SplitOptions(leave_out="p07", val=0))
    assert ((split == "test") == (table["subject"] == "p07")).all()
    with pytest.raises(DataError, match="one of 29, such as p00, p02, p03.*Received: 'nobody'"):
        split_rows(table, SplitOptions(leave_out="nobody"))
    with pytest.raises(DataError, match="it has none. Received: 'p07'"):
        split_rows(table.drop(columns="subject"), SplitOptions(leave_out="p07"))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"split": "random"}, "'drawn'. Received: split='random'"),
        ({"folds": 1, "fold": 1}, "2 or more"),
        ({"folds": 5}, r"1 \.\.\. 5. Received: fold=None"),
        ({"folds": 5, "fold": 6}, r"1 \.\.\. 5. Received: fold=6"),
        ({"folds": 5, "fold": "60-40"}, r"1 \.\.\. 5. Received: fold=60-40"),
        ({"fold": 1, "leave_out": "a"}, "either on a fold or on a person"),
        ({"val": 1}, "below 1"),
    ],
)
def test_bad_options(options, reason):
    with pytest.raises(ConfigError, match=reason):
        SplitOptions(**options)


def test_what_was_chosen_is_what_has_a_value():
    chosen = SplitOptions(folds=5, fold=2).chosen_split()
    assert chosen == {
        "split": "official", "val": 0.1, "test": 0.1, "seed": 0, "folds": 5, "fold": "2"
    }  # fmt: skip


def test_empty_splits_are_warned_of(caplog):
    split = pd.Series(["train", "test"])
    warn_of_empty_splits(split, SplitOptions(val=0))
    assert caplog.text == ""
    warn_of_empty_splits(split, SplitOptions())
    assert "No row is in the split 'val'" in caplog.text and "'test'" not in caplog.text


@pytest.mark.parametrize("people", [20_000, 200_000])
def test_two_hundred_thousand_rows_take_seconds(people):
    count = 200_000
    table = pd.DataFrame({"path": [f"{k // 1000}/{k}.jpg" for k in range(count)]})
    table["label"] = (table.index * 7919 % 100).astype(float)
    table["subject"] = (table.index * 7907 % people).astype(str)
    begin = time.process_time()  # 1 second of one core when this was written
    split = split_rows(table, SplitOptions(folds=10, fold=3))
    jobs = list(jobs_of(table, {}, Path("root"), Path("out"), PrepareOptions()))
    assert time.process_time() - begin < 10
    assert (split == "test").sum() == 20_000 and sum(len(job.paths) for job in jobs) == count
