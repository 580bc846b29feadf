"""Coverage measured on faces that a calibration has not seen."""

import numpy as np
import pytest
from scipy import stats

from keras_dldl.calibration import Calibration, coverage_rows, cross_fit
from keras_dldl.calibration.cross_fit import coverage_range, folds_of
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.labels import LabelGrid
from tests.calibration.given import AGE, faces


def test_each_face_by_a_calibration_of_the_other_folds():
    value, std, label = faces(400)
    subject = np.array([f"person {i % 130}" for i in range(400)], object)
    ends = cross_fit(value, std, label, AGE, 0.8, subject=subject, folds=4, seed=3)
    fold = folds_of(label, AGE, subject=subject, folds=4, seed=3)
    assert sorted(np.bincount(fold) // 3) == [32, 32, 33, 34]
    for person in set(subject):
        assert len(set(fold[subject == person])) == 1
    for i in (0, 57, 399):
        others = fold != fold[i]
        fitted = Calibration.fit(value[others], std[others], label[others], AGE)
        assert tuple(ends[i]) == fitted.interval(value[i], std[i], 0.8)


def test_nobody_is_the_same_as_nobody():
    # As many folds as people: each has one of its own, the two faces of "a" together.
    subject = np.array(["a", None, "a", float("nan"), "", *range(200)], object)
    label = np.arange(205.0) % 101
    fold = folds_of(label, AGE, subject=subject, folds=204)
    assert fold[0] == fold[2] and len(set(fold)) == 204
    assert len(set(folds_of(label, AGE, folds=205))) == 205


def test_rows_by_hand():
    label = np.array([5.0, 9.0, 10.0, 100.0])
    before = np.array([[0, 4], [8, 10], [10, 12], [90, 99.0]])
    after = np.array([[0, 5], [8, 10], [11, 12], [90, 100.0]])
    rows = coverage_rows(label, before, after, AGE)
    assert [row["labels"] for row in rows] == ["all", "0-9", "10-19", "100-109"]
    assert [row["n"] for row in rows] == [4, 2, 1, 1]
    assert [row["coverage_before"] for row in rows] == [50, 50, 100, 0]
    assert [row["coverage_after"] for row in rows] == [75, 100, 0, 100]
    assert rows[0]["width_before"] == pytest.approx((4 + 2 + 2 + 9) / 4)
    both = coverage_rows(label, before, np.stack([before, after]), AGE)
    assert both[0]["coverage_after"] == pytest.approx((50 + 75) / 2)
    assert both[1]["width_after"] == pytest.approx((4 + 2 + 5 + 2) / 4)
    ratings = np.array([1.0, 1.9, 2.0, 5.0])
    ends = np.stack([ratings, ratings], axis=1)
    rows = coverage_rows(ratings, ends, ends, LabelGrid.scut_fbp())
    assert [row["labels"] for row in rows] == ["all", "1-2", "2-3", "5-6"]


def test_too_few_subjects():
    value, std, label = faces(300)
    with pytest.raises(DataError, match="leave 100 faces.*Received: 0 beside a fold of 300"):
        cross_fit(value, std, label, AGE, 0.9, subject=["one"] * 300)
    with pytest.raises(ConfigError, match="`folds`"):
        cross_fit(value, std, label, AGE, 0.9, folds=1)


def test_few_faces_are_cross_fitted_with_one_width():
    value, std, label = faces(50)
    ends = cross_fit(value, std, label, AGE, 0.9, folds=10, seed=1)
    fold = folds_of(label, AGE, folds=10, seed=1)
    others = fold != fold[7]
    fitted = Calibration.fit(value[others], std[others], label[others], AGE)
    assert tuple(ends[7]) == fitted.interval(value[7], std[7], 0.9)
    with pytest.raises(DataError, match="leave 19 faces.*Received: 15 beside a fold of 15;.*folds"):
        cross_fit(value[:30], std[:30], label[:30], AGE, 0.9, folds=2)


def test_what_few_faces_leave_open_is_where_coverage_falls():
    """Of uniform residuals the share held is the width itself: the 46th least of 50, say."""
    random = np.random.default_rng(0)
    low, high = coverage_range(50, 0.9)
    held = np.sort(random.uniform(size=(20_000, 50)), axis=1)[:, 45]
    assert np.mean(held < low) == pytest.approx(0.025, abs=0.004)
    assert np.mean(held > high) == pytest.approx(0.025, abs=0.004)


def test_faces_of_one_person_teach_as_much_as_one():
    people = np.repeat([f"p{i}" for i in range(40)], 2)
    assert coverage_range(80, 0.9, people) == coverage_range(40, 0.9)
    assert coverage_range(40, 0.9)[0] == stats.beta(37, 4).ppf(0.025)
