import numpy as np
import pytest
from scipy import stats

from keras_dldl.comparison.bootstrap import bootstrap, p_value
from keras_dldl.evaluation.confidence import percentile_interval

RNG = np.random.default_rng(7)
FACES = RNG.gamma(2.0, 3.0, 60)
OTHER = FACES + RNG.normal(0.8, 2.0, 60)


def difference_of(first, second, **options):
    """Replicates of how much worse the second variant is."""
    means = bootstrap({"a": first, "b": second}, **options)
    return means["b"] - means["a"]


def test_two_faces_are_drawn_as_by_hand():
    # Of errors 0 and 4: both first (mean 0), one each (2), both second (4): 1/4, 1/2, 1/4.
    means = bootstrap({"a": {0: np.array([0.0, 4.0])}}, replicates=20_000)["a"]
    values, counts = np.unique(means, return_counts=True)
    assert values.tolist() == [0.0, 2.0, 4.0]
    assert counts / 20_000 == pytest.approx([0.25, 0.5, 0.25], abs=0.015)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_variance_over_seeds_alone_is_that_of_their_mean(seeds):
    # All faces alike, so nothing but the seeds varies: the variance of a mean of n is s^2 / n.
    errors = RNG.normal(6.0, 0.5, seeds)
    by_seed = {k: np.full(10, error) for k, error in enumerate(errors)}
    means = bootstrap({"a": by_seed}, replicates=40_000)["a"]
    assert means.var() == pytest.approx(errors.var(ddof=1) / seeds, rel=0.05)
    assert means.mean() == pytest.approx(errors.mean(), abs=0.01)


def test_interval_over_faces_is_scipys():
    drawn = bootstrap({"a": {0: FACES}, "b": {0: OTHER}}, replicates=20_000)
    one = stats.bootstrap((OTHER,), np.mean, method="percentile", n_resamples=20_000, rng=1)
    two = stats.bootstrap((OTHER - FACES,), np.mean, method="percentile", n_resamples=20_000, rng=1)
    found = [percentile_interval(means) for means in (drawn["b"], drawn["b"] - drawn["a"])]
    assert found[0] == pytest.approx(list(one.confidence_interval), abs=0.06)
    assert found[1] == pytest.approx(list(two.confidence_interval), abs=0.03)


def test_pairing_by_faces_and_by_seeds_cancels_what_is_common():
    # The second variant is 1 worse on every face with every seed, so no draw can say otherwise.
    first = {seed: FACES + 2 * seed for seed in range(3)}
    second = {seed: errors + 1 for seed, errors in first.items()}
    drawn = bootstrap({"a": first, "b": second})
    np.testing.assert_allclose(drawn["b"] - drawn["a"], 1)
    assert np.ptp(percentile_interval(drawn["a"])) > 1


def test_variants_of_other_seeds_are_drawn_apart():
    first = {seed: np.full(5, 2.0 * seed) for seed in (0, 1)}
    second = {seed: np.full(5, 2.0 * (seed - 2)) for seed in (2, 3)}
    assert percentile_interval(difference_of(first, second)) == pytest.approx([-2, 2])


def test_seeds_count_beside_faces():
    first, second = (
        {seed: errors + shift for seed, shift in zip(seeds, (-1.0, 0.0, 1.0), strict=True)}
        for errors, seeds in ((FACES, (0, 1, 2)), (OTHER, (3, 4, 5)))
    )
    one = np.ptp(percentile_interval(difference_of({0: FACES}, {0: OTHER})))
    assert np.ptp(percentile_interval(difference_of(first, second))) > 1.5 * one


def test_p_value_by_hand_and_near_that_of_a_paired_z_test():
    assert p_value(np.r_[np.full(10, -1.0), np.full(989, 1.0)]) == pytest.approx(2 * 11 / 1000)
    assert p_value(np.zeros(999)) == 1.0
    found = p_value(difference_of({0: FACES}, {0: OTHER}, replicates=20_000))
    difference = OTHER - FACES
    z = difference.mean() / (difference.std() / np.sqrt(len(difference)))
    assert found == pytest.approx(2 * stats.norm.sf(abs(z)), abs=0.015)


def test_equal_seeds_give_equal_draws():
    errors = {"a": {0: FACES, 1: OTHER}}
    first, again, other = (bootstrap(errors, 100, seed)["a"] for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()
