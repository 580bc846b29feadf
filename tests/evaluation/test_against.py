"""Two models on the same faces: paired, against SciPy's tests and intervals."""

import itertools

import numpy as np
import pytest
from scipy import stats

from keras_dldl.errors import DataError
from keras_dldl.evaluation.against import (
    PERMUTATIONS,
    add_holm,
    check_comparable,
    conclusion,
    is_shown,
    paired_tests,
    wilcoxon,
)
from keras_dldl.evaluation.confidence import Part, draw
from keras_dldl.labels import LabelGrid

RNG = np.random.default_rng(8)
FIRST = RNG.gamma(2.0, 2.5, 120)
DIFFERENCE = RNG.normal(0.35, 2.0, 120)
ALL = np.arange(120)


def outcome_of(difference, units=None, **members):
    units = np.arange(len(difference)) if units is None else units
    members = members or {"all": np.arange(len(difference))}
    columns = np.stack([np.ones(len(difference)), difference], axis=1)
    parts = {key: Part(index, columns[index]) for key, index in members.items()}
    return paired_tests(difference, members, units, draw(parts, units))


@pytest.mark.parametrize("shift", [0.0, 0.3, -1.0])
def test_difference_interval_and_p_are_scipys(shift):
    difference = DIFFERENCE + shift
    found = outcome_of(difference)["all"]
    assert found["mae_difference"] == pytest.approx(difference.mean())
    low, high = stats.bootstrap(
        (difference,), np.mean, method="percentile", n_resamples=4000, rng=1
    ).confidence_interval
    assert found["confidence"] == pytest.approx([low, high], abs=0.1 * (high - low))
    theirs = stats.permutation_test(
        (difference,), np.mean, permutation_type="samples", n_resamples=9999, rng=2
    )
    assert found["p_permutation"] == pytest.approx(theirs.pvalue, abs=0.02)
    assert found["p_permutation"] >= 1 / (PERMUTATIONS + 1)


def test_p_of_few_faces_is_that_of_all_signs():
    difference = np.array([1.0, 2.0, -0.5, 3.0, 0.7, 1.1, -2.0, 0.4, 0.9, 1.6])
    means = [np.mean(difference * signs) for signs in itertools.product((-1, 1), repeat=10)]
    exact = np.mean(np.abs(means) >= abs(difference.mean()) - 1e-12)
    assert outcome_of(difference)["all"]["p_permutation"] == pytest.approx(exact, abs=0.015)


def test_people_change_sign_whole():
    # Twelve people with ten equal differences each are twelve observations, not 120.
    per_person = np.random.default_rng(0).normal(0.5, 1.0, 12)
    units = np.repeat(np.arange(12), 10)
    by_person = outcome_of(per_person[units], units)["all"]
    by_mean = outcome_of(per_person)["all"]
    assert by_person["p_permutation"] == pytest.approx(by_mean["p_permutation"], abs=0.02)
    assert by_person["p_permutation"] > 2 * outcome_of(per_person[units])["all"]["p_permutation"]


def test_each_group_is_tested_alone_and_small_ones_are_not():
    even, few = np.arange(0, 120, 2), np.arange(3)
    found = outcome_of(DIFFERENCE, even=even, few=few)
    assert found["even"]["n"] == 60
    assert found["even"]["mae_difference"] == pytest.approx(DIFFERENCE[even].mean())
    alone = outcome_of(DIFFERENCE[even])["all"]
    assert found["even"]["p_permutation"] == pytest.approx(alone["p_permutation"], abs=0.02)
    assert found["few"]["confidence"] is None and found["few"]["p_permutation"] is None


def test_equal_models_do_not_differ_and_wilcoxon_is_that_of_the_ranks():
    found = outcome_of(np.zeros(20))["all"]
    assert (found["mae_difference"], found["p_permutation"]) == (0, 1.0)
    assert found["confidence"] == [0.0, 0.0]
    assert wilcoxon(np.zeros(20)) is None
    # Ten differences of one sign, ranks 1 ... 10: both tails of 2^10 signs.
    assert wilcoxon(np.arange(1.0, 11)) == pytest.approx(2 / 2**10)


def test_holm_corrects_over_all_groups_tested():
    groups = {
        "g": {"a": {"p_permutation": 0.01}, "b": {"p_permutation": None}},
        "h": {"c": {"p_permutation": 0.04}},
    }
    add_holm(groups)
    assert groups["g"]["a"]["p_holm"] == pytest.approx(0.02)
    assert groups["g"]["b"]["p_holm"] is None
    assert groups["h"]["c"]["p_holm"] == pytest.approx(0.04)


def test_grids_of_one_task_and_range_are_comparable():
    assert check_comparable(LabelGrid.age(), LabelGrid.age()) == []
    (remark,) = check_comparable(LabelGrid.age(), LabelGrid(0, 100, 0.5))
    assert "1 here, 0.5 in --against" in remark
    for other in (LabelGrid(0, 99), LabelGrid.scut_fbp(), LabelGrid(0, 100, task="height")):
        with pytest.raises(DataError, match="0 ... 100 by 1 years.*Received: "):
            check_comparable(LabelGrid.age(), other)


def concluded(difference, units=None):
    found = outcome_of(difference, units)["all"]
    shares = (100 * np.mean(side) for side in (difference < 0, difference > 0))
    found |= dict(zip(("nearer", "farther"), shares, strict=True))
    return conclusion(found | {"p_wilcoxon": wilcoxon(difference)}, "years")


def test_what_may_be_concluded():
    noise = np.random.default_rng(0).normal(0, 1, 200)
    assert concluded(noise - 1).startswith("On faces like these this model's MAE is lower (")
    assert concluded(noise + 1).startswith("On faces like these this model's MAE is higher (")
    assert "rank test" not in concluded(noise - 1)
    even = concluded(noise - noise.mean())
    assert even.startswith("No difference in MAE is shown; it may be anything from -0.1")
    assert "rank test" not in even
    for said in (concluded(noise - 1), even):
        assert "not for their methods" in said
        assert said.endswith("train each with several seeds (`keras-dldl compare`).")
    assert concluded(np.zeros(200)) == "Both models have the same errors on all 200 faces."
    assert concluded(noise[:8]).startswith("Too few faces to conclude anything: 10 faces")


@pytest.mark.parametrize(
    ("interval", "p", "shown"),
    [((-2, -1), 0.01, True), ((1, 2), 0.01, True), ((-2, -1), 0.06, False), ((-2, 1), 0.01, False),
     (None, None, False)],
)  # fmt: skip
def test_a_difference_is_shown_by_interval_and_p(interval, p, shown):
    assert is_shown({"confidence": interval, "p_permutation": p}) is shown


def test_where_mean_and_ranks_disagree():
    # Nearer by a little on 300 faces, farther by much on 100: the mean is +1.25, ranks see 75 %.
    noise = np.random.default_rng(1).normal(0, 0.1, 400)
    opposite = concluded(np.r_[np.full(300, -1.0), np.full(100, 8.0)] + noise)
    assert "MAE is higher" in opposite and "The rank test says the opposite" in opposite
    assert "nearer on 75 % of faces and farther on 25 %" in opposite
    # Nearer by 0.1 on nearly all faces; six huge errors leave the mean open.
    hidden = concluded(np.r_[np.full(394, -0.1), [40, -40, 40, -40, 40, -35]] + noise / 100)
    assert hidden.startswith("No difference in MAE is shown") and "finds one (this" in hidden
    # Much farther on a tenth of the faces, nothing on the rest: ranks are even.
    few = concluded(np.r_[noise[:180], np.full(20, 5.0)])
    assert "MAE is higher" in few and "The rank test does not find it" in few


def test_at_the_edge_nothing_is_decided():
    found = {"n": 50, "mae_difference": -0.2, "confidence": [-0.4, -0.001], "p_permutation": 0.06}
    found |= {"p_wilcoxon": 0.2, "nearer": 55.0, "farther": 45.0}
    said = conclusion(found, "points")
    assert said.startswith(
        "Undecided: the 95 % interval (-0.400 to -0.001 points) leaves out 0 but p is"
    )
    other = conclusion(found | {"confidence": [-0.4, 0.001], "p_permutation": 0.04}, "points")
    assert "holds 0 but p is 0.040" in other
