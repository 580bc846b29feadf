"""Splits: stable, by subject, of the right size; folds alike in size and labels; refusals."""

import hashlib
import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pytest

from keras_dldl.data.prepare import PrepareOptions
from keras_dldl.data.prepare.shards import jobs_of
from keras_dldl.data.splits.protocol import (
    SplitOptions,
    assign_splits,
    draw_folds,
    scattered,
    split_rows,
    unit_hash,
    warn_of_empty_splits,
)
from keras_dldl.errors import ConfigError, DataError


def rows(count=4000, **columns):
    return pd.DataFrame({"path": [f"{k}.jpg" for k in range(count)], **columns})


def labelled_rows(count, subjects=0):
    random = np.random.default_rng(0)
    table = rows(count, label=random.uniform(0, 100, count))
    if subjects:
        # Like photos of people in the news: few have many.
        table["subject"] = [f"p{int(k)}" for k in random.zipf(1.7, count) % subjects]
    return table


@pytest.fixture
def table():
    """300 rows of 30 people."""
    return rows(
        300,
        label=[float(k % 90) for k in range(300)],
        subject=[f"p{k % 30:02d}" for k in range(300)],
    )


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
    digest = hashlib.sha256(b"0:somebody").hexdigest()
    assert unit_hash("0:somebody") == int(digest[:16], 16) / 2**64


def test_a_subject_is_never_in_two_parts():
    table = rows(subject=[f"person {k % 300}" for k in range(4000)])
    table["split"] = assign_splits(table)
    assert (table.groupby("subject")["split"].nunique() == 1).all()
    assert table["split"].nunique() == 3


@pytest.mark.parametrize(
    ("subject", "given", "split"),
    [
        (None, ["test", None, "train", None, "val"], ["test", "train", "train", "train", "val"]),
        # A split given to one row holds for its subject.
        (["a", "a", "b", "b", None], [None, "test", "val", None, "test"],
         ["test", "test", "val", "val", "test"]),
        # Rows without subject are no subject.
        ([None, None, "a", "a", None], ["test", "val", None, None, None],
         ["test", "val", "train", "train", "train"]),
    ],
)  # fmt: skip
def test_given_splits_stay(subject, given, split):
    table = rows(5, subject=subject, split=given)
    assert assign_splits(table, val=0, test=0).tolist() == split
    drawn = assign_splits(table.drop(columns="split"), val=0.3, test=0.3, seed=5)
    mixed = assign_splits(table, val=0.3, test=0.3, seed=5)
    untold = [k for k in range(5) if split[k] == "train" and given[k] is None]
    assert mixed[untold].tolist() == drawn[untold].tolist()


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


def folds_by_a_slow_loop(table, folds, seed):
    """Return {path: fold}, by the rule in words: plain Python, no data frame."""
    people = {}
    for row in table.to_dict("records"):
        key = row.get("subject", row["path"])
        people.setdefault(key, []).append(row)
    middle = {key: median(row["label"] for row in own) for key, own in people.items()}

    def place(key):
        below = sum(other < middle[key] for other in middle.values())
        digest = hashlib.sha256(f"{seed}:fold:{key}".encode()).digest()
        return -len(people[key]), below * 10 // len(people), digest[:8]

    sizes, chosen = [0] * folds, {}
    for key in sorted(people, key=place):
        fold = min(range(folds), key=lambda k: (sizes[k], k))
        sizes[fold] += len(people[key])
        chosen |= {row["path"]: fold + 1 for row in people[key]}
    return chosen


@pytest.mark.parametrize("subjects", [0, 60])
@pytest.mark.parametrize(("folds", "seed"), [(2, 0), (5, 3), (10, 1)])
def test_folds_are_those_of_a_slow_loop_in_any_order_of_rows(subjects, folds, seed):
    table = labelled_rows(400, subjects)
    drawn = draw_folds(table, folds, seed)
    assert dict(zip(table["path"], drawn, strict=True)) == folds_by_a_slow_loop(table, folds, seed)
    shuffled = table.sample(frac=1, random_state=1)
    assert draw_folds(shuffled, folds, seed).sort_index().equals(drawn)


def test_single_images_are_spread_evenly_in_number_and_label():
    table = labelled_rows(1003)
    table["fold"] = draw_folds(table, 5)
    sizes = table["fold"].value_counts()
    assert sorted(sizes.index) == [1, 2, 3, 4, 5] and sizes.max() - sizes.min() <= 1
    tenths = pd.Series(table["label"].rank() - 1, name="tenth") * 10 // len(table)
    counts = pd.crosstab(tenths, table["fold"])
    assert len(counts) == 10 and (counts.max(axis=1) - counts.min(axis=1)).max() <= 1


def test_subjects_stay_whole_and_sizes_differ_by_no_more_than_the_largest():
    table = labelled_rows(3000, subjects=400)
    table["fold"] = draw_folds(table, 10)
    assert (table.groupby("subject")["fold"].nunique() == 1).all()
    sizes = table["fold"].value_counts()
    assert sizes.max() - sizes.min() <= table["subject"].value_counts().max()
    table = table[table["subject"].map(table["subject"].value_counts()) < 30].drop(columns="fold")
    sizes = draw_folds(table, 10).value_counts()
    assert sizes.max() - sizes.min() <= 1  # the single images even out the rest


def test_as_many_folds_as_people_leave_one_out_each():
    table = rows(984, label=5.0, subject=np.repeat([f"{k:03d}" for k in range(1, 83)], 12))
    table = table.drop(index=range(7))  # not all have as many
    drawn = draw_folds(table, 82)
    assert table.groupby(drawn)["subject"].nunique().tolist() == [1] * 82
    assert drawn.groupby(table["subject"]).nunique().tolist() == [1] * 82


def test_rows_without_subject_are_their_own():
    table = labelled_rows(40).assign(subject=["a"] * 10 + [None] * 30)
    assert draw_folds(table, 31).nunique() == 31
    with pytest.raises(DataError, match="at least as many .*Received: 32 folds for 31$"):
        draw_folds(table, 32)


def test_scattered_rows_depend_on_the_paths_alone():
    table = labelled_rows(300)
    table["decade"] = table.index // 30
    whole = scattered(table)
    assert scattered(table.iloc[::-1])["path"].tolist() == whole["path"].tolist()
    some = scattered(table.iloc[::7])["path"].tolist()
    assert [path for path in whole["path"] if path in some] == some
    assert whole.head(60)["decade"].nunique() == 10


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
    for none, received in ((None, "no official splits"), (given[given != "test"], "only train")):
        with pytest.raises(DataError, match=f"Received: {received}$"):
            split_rows(table, SplitOptions(split="official-test"), none)


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
        ({"val": 0.5, "test": 0.5}, "below 1. Received: val=0.5, test=0.5"),
        ({"val": -0.1}, "below 1"),
        ({"test": 1, "val": 0}, "below 1"),
    ],
)
def test_bad_options(options, reason):
    with pytest.raises(ConfigError, match=reason):
        SplitOptions(**options)


def test_what_was_chosen_is_what_has_a_value():
    drawn = {"split": "official", "val": 0.1, "test": 0.1, "seed": 0}
    assert SplitOptions(folds=5, fold=2).chosen_split() == {**drawn, "folds": 5, "fold": "2"}


def test_empty_splits_are_warned_of(caplog):
    split = pd.Series(["train", "test"])
    warn_of_empty_splits(split, SplitOptions(val=0))
    assert caplog.text == ""
    warn_of_empty_splits(split, SplitOptions())
    assert "No row is in the split 'val'" in caplog.text and "'test'" not in caplog.text


def test_two_hundred_thousand_rows_take_seconds():
    count = 200_000
    table = pd.DataFrame({"path": [f"{k // 1000}/{k}.jpg" for k in range(count)]})
    table["label"] = (table.index * 7919 % 100).astype(float)
    table["subject"] = (table.index * 7907 % count).astype(str)
    begin = time.process_time()  # 1 second of one core when this was written
    split = split_rows(table, SplitOptions(folds=10, fold=3))
    jobs = list(jobs_of(table, {}, Path("root"), Path("out"), PrepareOptions()))
    assert time.process_time() - begin < 10
    assert (split == "test").sum() == 20_000 and sum(len(job.paths) for job in jobs) == count
