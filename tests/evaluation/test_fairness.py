"""The largest gaps between groups: which, how large, how sure."""

import numpy as np
import pytest
from scipy import stats

from keras_dldl.evaluation.confidence import Part, draw, moments
from keras_dldl.evaluation.groups import MIN_FACES_OF_GAPS, gaps
from keras_dldl.evaluation.numbers import summary

RNG = np.random.default_rng(3)
SIZES = {"a": 60, "b": 50, "c": MIN_FACES_OF_GAPS - 1, "(none)": 40}
ERROR = {
    "a": RNG.normal(2, 3, 60),
    "b": RNG.normal(-1, 6, 50),
    "c": np.full(MIN_FACES_OF_GAPS - 1, 50.0),
    "(none)": np.full(40, -50.0),
}


def found(column="race"):
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
    result = found()
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
    ours = found()["columns"]["race"]["mae"]["confidence"]
    assert ours == pytest.approx(list(theirs), abs=0.12 * (theirs.high - theirs.low))


def test_parts_of_the_data_are_no_groups_of_people():
    assert found("split")["columns"] == {}


def test_one_large_group_has_no_gap():
    only = {"g": {"x": {"n": 100, "mae": 1.0, "bias": 0.0}, "y": {"n": 2, "mae": 9.0, "bias": 1}}}
    result = gaps(only, None)["columns"]["g"]
    assert result == {"groups": ["x"], "mae": None, "bias": None}
