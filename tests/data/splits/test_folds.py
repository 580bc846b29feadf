"""Folds: equal in size, whole subjects, alike in labels, the same whatever the order of rows."""

import hashlib
from statistics import median

import numpy as np
import pandas as pd
import pytest

from keras_dldl.data.splits.protocol import draw_folds, scattered
from keras_dldl.errors import DataError


def rows(count, subjects=0, seed=0):
    random = np.random.default_rng(seed)
    table = pd.DataFrame({"path": [f"{k}.jpg" for k in range(count)]})
    table["label"] = random.uniform(0, 100, count)
    if subjects:
        # Like photos of people in the news: few have many.
        table["subject"] = [f"p{int(k)}" for k in random.zipf(1.7, count) % subjects]
    return table


def by_a_slow_loop(table, folds, seed):
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
def test_folds_are_those_of_a_slow_loop(subjects, folds, seed):
    table = rows(400, subjects)
    drawn = draw_folds(table, folds, seed)
    assert dict(zip(table["path"], drawn, strict=True)) == by_a_slow_loop(table, folds, seed)


@pytest.mark.parametrize("subjects", [0, 60])
def test_the_order_of_rows_does_not_matter(subjects):
    table = rows(500, subjects)
    drawn = draw_folds(table, 5)
    shuffled = table.sample(frac=1, random_state=1)
    assert draw_folds(shuffled, 5).sort_index().equals(drawn)
    assert not draw_folds(table, 5, seed=1).equals(drawn)


def test_single_images_are_spread_evenly_in_number_and_label():
    table = rows(1003)
    table["fold"] = draw_folds(table, 5)
    sizes = table["fold"].value_counts()
    assert sorted(sizes.index) == [1, 2, 3, 4, 5] and sizes.max() - sizes.min() <= 1
    tenths = pd.Series(table["label"].rank() - 1, name="tenth") * 10 // len(table)
    counts = pd.crosstab(tenths, table["fold"])
    assert len(counts) == 10 and (counts.max(axis=1) - counts.min(axis=1)).max() <= 1


def test_subjects_stay_whole_and_sizes_differ_by_no_more_than_the_largest():
    table = rows(3000, subjects=400)
    table["fold"] = draw_folds(table, 10)
    assert (table.groupby("subject")["fold"].nunique() == 1).all()
    sizes = table["fold"].value_counts()
    assert sizes.max() - sizes.min() <= table["subject"].value_counts().max()
    table = table[table["subject"].map(table["subject"].value_counts()) < 30].drop(columns="fold")
    sizes = draw_folds(table, 10).value_counts()
    assert sizes.max() - sizes.min() <= 1  # the single images even out the rest


def test_as_many_folds_as_people_leave_one_out_each():
    people = np.repeat([f"{k:03d}" for k in range(1, 83)], 12)
    table = pd.DataFrame({"path": [f"{k}.jpg" for k in range(984)], "label": 5.0})
    table["subject"] = people
    table = table.drop(index=range(7))  # not all have as many
    drawn = draw_folds(table, 82)
    assert table.groupby(drawn)["subject"].nunique().tolist() == [1] * 82
    assert drawn.groupby(table["subject"]).nunique().tolist() == [1] * 82


def test_rows_without_subject_are_their_own():
    table = rows(40)
    table["subject"] = ["a"] * 10 + [None] * 30
    assert draw_folds(table, 31).nunique() == 31
    with pytest.raises(DataError, match="at least as many .*Received: 32 folds for 31$"):
        draw_folds(table, 32)


def test_scattered_rows_depend_on_the_paths_alone():
    table = rows(300)
    table["decade"] = table.index // 30
    whole = scattered(table)
    assert scattered(table.iloc[::-1])["path"].tolist() == whole["path"].tolist()
    some = scattered(table.iloc[::7])["path"].tolist()
    assert [path for path in whole["path"] if path in some] == some
    assert whole.head(60)["decade"].nunique() == 10
