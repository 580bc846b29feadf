"""What is drawn as one, how often, and the interval of what is drawn."""

import numpy as np
import pandas as pd
import pytest

from keras_dldl.evaluation import confidence
from keras_dldl.evaluation.confidence import drawn_counts, percentile_interval, units_of


def test_every_drawing_draws_as_many_as_there_are():
    counts = np.concatenate(list(drawn_counts(7, 1200, np.random.default_rng(0))))
    assert counts.shape == (1200, 7)
    assert (counts.sum(axis=1) == 7).all()
    # Each count is binomial(7, 1/7): mean 1, variance 6/7.
    assert counts.mean(axis=0) == pytest.approx(np.ones(7), abs=0.12)
    assert counts.var() == pytest.approx(6 / 7, abs=0.04)


def test_the_size_of_the_parts_does_not_change_what_is_drawn(monkeypatch):
    whole = np.concatenate(list(drawn_counts(9, 50, np.random.default_rng(3))))
    monkeypatch.setattr(confidence, "CELLS_AT_ONCE", 63)  # seven replicates at once
    parts = list(drawn_counts(9, 50, np.random.default_rng(3)))
    assert [len(part) for part in parts] == [7] * 7 + [1]
    assert np.array_equal(np.concatenate(parts), whole)


def test_faces_are_drawn_singly_where_nobody_has_several():
    for rows in (
        pd.DataFrame({"path": list("abc")}),
        pd.DataFrame({"path": list("abc"), "subject": [None, None, None]}),
        pd.DataFrame({"path": list("abc"), "subject": ["1", "2", None]}),
    ):
        units, by = units_of(rows)
        assert (units.tolist(), by) == ([0, 1, 2], "face")


def test_people_are_drawn_with_all_their_faces():
    rows = pd.DataFrame({"path": list("abcde"), "subject": ["x", "y", "x", None, None]})
    units, by = units_of(rows)
    assert (units.tolist(), by) == ([0, 1, 0, 2, 3], "subject")


def test_a_subject_is_one_of_its_database():
    rows = pd.DataFrame({"path": list("abc"), "subject": ["1"] * 3, "database": ["A", "B", "A"]})
    assert units_of(rows)[0].tolist() == [0, 1, 0]


def test_the_interval_is_the_central_part_of_what_is_defined():
    replicates = np.arange(1001.0)
    central = pytest.approx([25.0, 975.0])
    assert percentile_interval(replicates) == central
    assert percentile_interval(np.r_[replicates, [np.nan] * 900]) == central
    assert percentile_interval(np.r_[replicates, [np.nan] * 1001]) is None
