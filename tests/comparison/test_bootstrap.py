import numpy as np
import pytest
from scipy import stats

from keras_dldl.comparison.bootstrap import Bootstrap, bootstrap

RNG = np.random.default_rng(7)
FACES = RNG.gamma(2.0, 3.0, 60)
OTHER = FACES + RNG.normal(0.8, 2.0, 60)


def test_two_faces_are_drawn_as_by_hand():
    # Of errors 0 and 4: both first (mean 0), one each (2), both second (4): 1/4, 1/2, 1/4.
    means = bootstrap({"a": {0: np.array([0.0, 4.0])}}, replicates=20_000).means["a"]
    values, counts = np.unique(means, return_counts=True)
    assert values.tolist() == [0.0, 2.0, 4.0]
    assert counts / 20_000 == pytest.approx([0.25, 0.5, 0.25], abs=0.015)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_variance_over_seeds_alone_is_that_of_their_mean(seeds):
    # All faces alike, so nothing but the seeds varies: the variance of a mean of n is s^2 / n.
    errors = RNG.normal(6.0, 0.5, seeds)
    by_seed = {k: np.full(10, error) for k, error in enumerate(errors)}
    means = bootstrap({"a": by_seed}, replicates=40_000).means["a"]
    assert means.var() == pytest.approx(errors.var(ddof=1) / seeds, rel=0.05)
    assert means.mean() == pytest.approx(errors.mean(), abs=0.01)


def test_interval_over_faces_is_scipys():
    drawn = bootstrap({"a": {0: FACES}, "b": {0: OTHER}}, replicates=20_000)
    one = stats.bootstrap((OTHER,), np.mean, method="percentile", n_resamples=20_000, rng=1)
    two = stats.bootstrap((OTHER - FACES,), np.mean, method="percentile", n_resamples=20_000, rng=1)
    assert drawn.interval("b") == pytest.approx(tuple(one.confidence_interval), abs=0.06)
    assert drawn.interval("b", "a") == pytest.approx(tuple(two.confidence_interval), abs=0.03)


def test_pairing_by_faces_and_by_seeds_cancels_what_is_common():
    # The second variant is 1 worse on every face with every seed, so no draw can say otherwise.
    first = {seed: FACES + 2 * seed for seed in range(3)}
    second = {seed: errors + 1 for seed, errors in first.items()}
    drawn = bootstrap({"a": first, "b": second})
    assert drawn.interval("b", "a") == pytest.approx((1, 1))
    low, high = drawn.interval("a")
    assert high - low > 1


def test_variants_of_other_seeds_are_drawn_apart():
    first = {seed: np.full(5, 2.0 * seed) for seed in (0, 1)}
    second = {seed: np.full(5, 2.0 * (seed - 2)) for seed in (2, 3)}
    difference = bootstrap({"a": first, "b": second}).interval("b", "a")
    assert difference == pytest.approx((-2, 2))


def test_seeds_count_beside_faces():
    alike = {"a": {0: FACES}, "b": {0: OTHER}}
    spread = {
        name: {seed: errors[0] + shift for seed, shift in enumerate((-1.0, 0.0, 1.0))}
        for name, errors in alike.items()
    }
    spread["b"] = dict(zip((3, 4, 5), spread["b"].values(), strict=True))
    low, high = bootstrap(alike).interval("b", "a")
    wide_low, wide_high = bootstrap(spread).interval("b", "a")
    assert wide_high - wide_low > 1.5 * (high - low)


def test_p_value_by_hand_and_against_the_interval():
    replicates = np.concatenate([np.full(10, -1.0), np.full(989, 1.0)])
    drawn = Bootstrap({"a": np.zeros(999), "b": replicates})
    assert drawn.p_value("b", "a") == pytest.approx(2 * 11 / 1000)
    assert drawn.p_value("a", "a") == 1.0
    assert drawn.interval("b", "a")[0] > 0


def test_p_value_is_near_that_of_a_paired_z_test():
    drawn = bootstrap({"a": {0: FACES}, "b": {0: OTHER}}, replicates=20_000)
    difference = OTHER - FACES
    z = difference.mean() / (difference.std() / np.sqrt(len(difference)))
    assert drawn.p_value("b", "a") == pytest.approx(2 * stats.norm.sf(abs(z)), abs=0.015)


def test_equal_seeds_give_equal_draws():
    errors = {"a": {0: FACES, 1: OTHER}}
    np.testing.assert_array_equal(
        bootstrap(errors, 100).means["a"], bootstrap(errors, 100).means["a"]
    )
    assert (bootstrap(errors, 100).means["a"] != bootstrap(errors, 100, seed=1).means["a"]).any()
