"""Bootstrapped numbers: the summary where each face is taken once, or else SciPy's intervals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from keras_dldl.evaluation import confidence
from keras_dldl.evaluation.confidence import (
    COVERAGE,
    MIN_UNITS,
    Part,
    draw,
    drawn_counts,
    holm,
    intervals_of,
    moments,
    numbers_of,
    percentile_interval,
    units_of,
)
from keras_dldl.evaluation.numbers import summary

RNG = np.random.default_rng(11)
COUNT = 80
LABEL = RNG.uniform(0, 100, COUNT)
VALUE = LABEL + RNG.normal(1, 6, COUNT)
SIGMA = np.where(RNG.random(COUNT) < 0.7, RNG.uniform(1, 8, COUNT), np.nan)
COVERED = np.abs(VALUE - LABEL) < 8
COLUMNS = moments(LABEL, VALUE, SIGMA, COVERED)
ALL = np.arange(COUNT)


def replicates_of(number, count=4000, units=ALL):
    """(B,) a number over faces drawn by a slow loop that looks at the faces themselves."""
    random = np.random.default_rng(5)
    found = []
    for _ in range(count):
        drawn = random.integers(0, units.max() + 1, units.max() + 1)
        faces = np.concatenate([np.flatnonzero(units == unit) for unit in drawn])
        found.append(number(faces))
    return np.array(found)


@pytest.fixture(scope="module")
def drawn():
    return draw({"all": Part(ALL, COLUMNS), "few": Part(ALL[:5], COLUMNS[:5])}, ALL)


@pytest.mark.parametrize("times", [np.ones(COUNT, int), RNG.integers(0, 4, COUNT)])
def test_faces_taken_so_often_give_the_summary_of_those_faces(times):
    drawn = np.repeat(ALL, times)
    found = {name: array[0] for name, array in numbers_of(times[None] @ COLUMNS).items()}
    expected = summary(LABEL[drawn], VALUE[drawn], SIGMA[drawn])
    expected |= {f"cs {t}": share for t, share in expected["cs"].items()}
    expected[COVERAGE] = 100 * COVERED[drawn].mean()
    assert found == {name: pytest.approx(expected[name], rel=1e-10) for name in found}


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("mae", lambda x, y: np.abs(y - x).mean()),
        ("rmse", lambda x, y: np.sqrt(np.square(y - x).mean())),
        ("pearson", lambda x, y: np.corrcoef(x, y)[0, 1]),
    ],
)
def test_intervals_are_scipys(drawn, name, number):
    def paired(x, y, axis):
        return (
            np.array([number(a, b) for a, b in zip(x, y, strict=True)])
            if x.ndim > 1
            else (number(x, y))
        )

    theirs = stats.bootstrap(
        (LABEL, VALUE), paired, paired=True, vectorized=True, method="percentile",
        n_resamples=4000, rng=1,
    ).confidence_interval  # fmt: skip
    width = theirs.high - theirs.low
    assert intervals_of(drawn, "all")[name] == pytest.approx(list(theirs), abs=0.12 * width)


def test_people_are_drawn_whole():
    # Ten people with eight faces each, who err alike: the interval over people is far wider.
    units = np.repeat(np.arange(10), 8)
    value = LABEL + np.random.default_rng(2).normal(0, 5, 10)[units]
    columns = moments(LABEL, value, None, COVERED)
    by_person = intervals_of(draw({"a": Part(ALL, columns)}, units, "subject"), "a")
    by_face = intervals_of(draw({"a": Part(ALL, columns)}, ALL), "a")
    ends = np.quantile(
        replicates_of(lambda i: (value - LABEL)[i].mean(), units=units), [0.025, 0.975]
    )
    width = ends[1] - ends[0]
    assert by_person["bias"] == pytest.approx(list(ends), abs=0.1 * width)
    assert by_person["units"] == 10 and by_face["units"] == COUNT
    assert width > 2 * (by_face["bias"][1] - by_face["bias"][0])


def test_a_part_of_some_people_counts_its_own_faces():
    # Faces of every other person; the drawing is by person, the mean over the part's faces.
    units = np.repeat(np.arange(40), 2)
    index = np.flatnonzero(units % 2 == 0)[:-1]
    columns = moments(LABEL, VALUE, None, COVERED)
    ours = intervals_of(draw({"p": Part(index, columns[index])}, units, "subject"), "p")
    inside = np.isin(ALL, index)

    def mean(faces):
        return np.abs(VALUE - LABEL)[faces[inside[faces]]].mean()

    ends = np.quantile(replicates_of(mean, units=units), [0.025, 0.975])
    assert ours["mae"] == pytest.approx(list(ends), abs=0.1 * (ends[1] - ends[0]))
    assert ours["units"] == 20


def test_few_faces_and_what_is_undefined_have_no_interval(drawn):
    found = intervals_of(drawn, "few")
    assert found["units"] == 5 < MIN_UNITS
    assert found["mae"] is None and found["cs"] == {"3": None, "5": None, "8": None}
    columns = moments(np.full(COUNT, 30.0), VALUE, None, COVERED)
    found = intervals_of(draw({"a": Part(ALL, columns)}, ALL), "a")
    assert found["pearson"] is None and found["epsilon_error"] is None
    assert found["mae"] is not None


def test_equal_seeds_draw_the_same_faces(monkeypatch):
    monkeypatch.setattr(confidence, "REPLICATES", 30)
    first, again, other = (
        draw({"a": Part(ALL, COLUMNS)}, ALL, seed=seed).sums["a"] for seed in (4, 4, 5)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)


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


@pytest.mark.parametrize(
    ("subject", "database", "expected"),
    [
        (None, None, ([0, 1, 2, 3, 4], "face")),
        ([None] * 5, None, ([0, 1, 2, 3, 4], "face")),
        (["1", "2", "3", "4", None], None, ([0, 1, 2, 3, 4], "face")),
        (["x", "y", "x", None, None], None, ([0, 1, 0, 2, 3], "subject")),
        (["1"] * 5, list("ABABB"), ([0, 1, 0, 1, 1], "subject")),  # one of its database
    ],
)
def test_people_are_drawn_with_all_their_faces(subject, database, expected):
    columns = {"path": list("abcde"), "subject": subject, "database": database}
    rows = pd.DataFrame({name: of for name, of in columns.items() if of is not None})
    units, by = units_of(rows)
    assert (units.tolist(), by) == expected


def test_the_interval_is_the_central_part_of_what_is_defined():
    replicates = np.arange(1001.0)
    central = pytest.approx([25.0, 975.0])
    assert percentile_interval(replicates) == central
    assert percentile_interval(np.r_[replicates, [np.nan] * 900]) == central
    assert percentile_interval(np.r_[replicates, [np.nan] * 1001]) is None


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([], []),
        ([0.2], [0.2]),
        ([0.01, 0.02, 0.03, 0.04], [0.04, 0.06, 0.06, 0.06]),
        ([0.04, 0.5, 0.001], [0.08, 0.5, 0.003]),
        ([0.9, 0.8], [1.0, 1.0]),
    ],
)
def test_holm_by_hand(given, wanted):
    assert holm(given) == pytest.approx(wanted)
