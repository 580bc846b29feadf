import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from keras_dldl.comparison import Plan
from keras_dldl.comparison.summary import (
    ablations,
    bootstrap,
    errors_of,
    p_value,
    sensitivities,
    spread,
)
from keras_dldl.errors import DataError
from keras_dldl.evaluation.confidence import percentile_interval
from tests.comparison.made_up import done_cells, report

METHODS = {"grid": {"method": ["dldl-v2", "dldl", "er"]}, "seeds": 3}
SHIFTS = {"dldl-v2": 4.0, "dldl": 5.0, "er": 4.0}


def entry_of(content, name):
    return next(entry for entry in content["variants"] if entry["name"] == name)


def test_means_spreads_and_paired_differences_over_seeds(tmp_path):
    content = report(Plan.from_dict(METHODS), tmp_path, SHIFTS)
    for name in SHIFTS:
        tables = [
            pd.read_csv(tmp_path / "cells" / f"{name}_seed{seed}" / "test" / "predictions.csv")
            for seed in range(3)
        ]
        mae = [np.mean(np.abs(table["value"] - table["label"])) for table in tables]
        found = entry_of(content, name)["mae"]
        assert list(found["by_seed"].values()) == pytest.approx(mae)
        assert found["mean"] == pytest.approx(sum(mae) / 3)
        wanted = sum((x - sum(mae) / 3) ** 2 for x in mae) / 2
        assert found["std"] ** 2 == pytest.approx(wanted)
        assert found["interval"][0] < found["mean"] < found["interval"][1]
    # The noise of a seed is the same in all variants, so the shift is all that is left.
    base, dldl, er = (entry_of(content, name)["difference"] for name in SHIFTS)
    assert base is None
    assert dldl == {
        "mae": pytest.approx(1.0),
        "interval": pytest.approx([1.0, 1.0]),
        "p": pytest.approx(2 / 10_001),
        "p_holm": pytest.approx(4 / 10_001),  # the smaller of two
    }
    assert (er["mae"], er["p"], er["p_holm"]) == (0.0, 1.0, 1.0)
    json.dumps(content, allow_nan=False)


def test_one_seed_has_no_spread_and_says_so(tmp_path):
    plan = Plan.from_dict({**METHODS, "seeds": 1})
    content = report(plan, tmp_path, SHIFTS)
    assert entry_of(content, "dldl")["mae"]["std"] is None
    assert any("one seed only, so no spread and no p" in note for note in content["notes"])
    assert any(note.endswith("all variants") for note in content["notes"])
    difference = entry_of(content, "dldl")["difference"]  # 1 year on every face, and yet no p
    assert difference["mae"] == pytest.approx(1) and difference["interval"][0] > 0.9
    assert difference["p"] is None and difference["p_holm"] is None


def test_p_is_corrected_only_for_rows_that_have_one(tmp_path):
    plan = Plan.from_dict(
        {**METHODS, "groups": [{"grid": {"expectation_weight": [10]}, "seeds": 1}]}
    )
    shifts = {"dldl-v2": 4.0, "dldl": 5.0, "er": 4.5, "dldl-v2 lambda=10": 6.0}
    content = report(plan, tmp_path, shifts)
    assert entry_of(content, "dldl-v2 lambda=10")["difference"]["p"] is None
    dldl = entry_of(content, "dldl")["difference"]
    assert dldl["p_holm"] == pytest.approx(2 * dldl["p"])  # of two rows, not of three


def test_a_baseline_of_one_seed_gives_no_p(tmp_path):
    left_out = ["dldl-v2, seed 1", "dldl-v2, seed 2"]
    content = report(Plan.from_dict(METHODS), tmp_path, SHIFTS, failed=left_out)
    assert entry_of(content, "dldl")["seeds"] == [0, 1, 2]
    assert entry_of(content, "dldl")["difference"]["p_holm"] is None


def test_what_failed_or_waits_is_left_out_and_said(tmp_path):
    plan = Plan.from_dict(METHODS)
    content = report(plan, tmp_path, {"dldl-v2": 4.0, "dldl": 5.0}, failed=["dldl, seed 1"])
    dldl, er = entry_of(content, "dldl"), entry_of(content, "er")
    assert (dldl["seeds"], dldl["failed"], dldl["waiting"]) == ([0, 2], [1], [])
    assert (er["seeds"], er["waiting"], er["mae"]["mean"], er["difference"]) == (
        [], [0, 1, 2], None, None,
    )  # fmt: skip
    assert content["failed"] == [{"variant": "dldl", "seed": 1, "error": "loss=nan"}]
    assert "failed, and left out: dldl (seed 1)" in content["notes"]
    assert "not finished, and left out: er (seed 0, 1, 2)" in content["notes"]
    assert "other seeds than the baseline's, so not paired by them: dldl" in content["notes"]


def test_without_the_baseline_there_are_no_differences(tmp_path):
    content = report(Plan.from_dict(METHODS), tmp_path, {"dldl": 5.0})
    assert all(entry["difference"] is None for entry in content["variants"])
    assert any("dldl-v2 has no numbers" in note for note in content["notes"])
    nothing = report(Plan.from_dict(METHODS), tmp_path / "none", {})
    assert all(entry["mae"]["mean"] is None for entry in nothing["variants"])


def test_cells_on_other_faces_are_refused(tmp_path):
    done = done_cells(Plan.from_dict(METHODS), tmp_path, {"dldl-v2": 4.0, "dldl": 5.0})
    path = done[-1][0].evaluation / "predictions.csv"
    path.write_text(path.read_text().replace("7.jpg", "8.jpg", 1))
    with pytest.raises(DataError, match="same faces in the same order.*predictions.csv"):
        errors_of(done)


def test_spread_of_a_number_that_one_seed_lacks():
    assert spread([0.5, None]) == {"mean": None, "std": None, "min": None, "max": None}


def test_ablation_has_the_parts_and_the_whole():
    plan = Plan.from_dict(
        {
            "grid": {"method": ["dex", "er", "dldl", "dldl-v2"]},
            "groups": [
                {"settings": {"kl_reduction": "mean"}},
                {"settings": {"expectation_weight": 10}},
            ],
        }
    )
    (found,) = ablations(plan)
    terms = ("distribution_term", "expectation_term", "kl_reduction")
    assert found["joint"] == "dldl-v2"
    assert {row["variant"]: tuple(row[term] for term in terms) for row in found["rows"]} == {
        "er": (False, True, None),
        "dldl": (True, False, "sum"),
        "dldl-v2": (True, True, "sum"),
        "dldl-v2 kl_reduction=mean": (True, True, "mean"),
    }


def test_each_backbone_has_an_ablation_of_its_own():
    models = ["tiny-age-net", "thin-age-net"]
    plan = Plan.from_dict({"grid": {"method": ["dldl", "dldl-v2"], "model": models}})
    assert [found["joint"] for found in ablations(plan)] == ["dldl-v2", "dldl-v2 thin-age-net"]
    assert ablations(Plan.from_dict({"grid": {"method": ["dldl-v2", "dex"]}})) == []


def test_curves_are_of_one_setting_alone():
    plan = Plan.from_dict(
        {
            "grid": {"method": ["dldl-v2", "dex"]},
            "groups": [
                {"grid": {"expectation_weight": [0.1, 10]}},
                {"grid": {"label_step": [0.5, 2]}},
                {"settings": {"label_step": 5, "expectation_weight": 7}},
            ],
        }
    )
    by_setting = {
        axis["setting"]: [
            (curve["name"], {point["value"]: point["variant"] for point in curve["points"]})
            for curve in axis["curves"]
        ]
        for axis in sensitivities(plan, 1.0, 64)
    }
    weights = {0.1: "dldl-v2 lambda=0.1", 1.0: "dldl-v2", 10.0: "dldl-v2 lambda=10"}
    # Without a value of its own the step is that of the data.
    steps = {0.5: "dldl-v2 step=0.5", 1.0: "dldl-v2", 2.0: "dldl-v2 step=2"}
    curves = {"expectation_weight": weights, "label_step": steps}
    assert by_setting == {name: [("dldl-v2", points)] for name, points in curves.items()}
    assert [list(found[0][1]) for found in by_setting.values()] == [[0.1, 1, 10], [0.5, 1, 2]]


def test_words_and_switches_are_no_curves():
    plan = Plan.from_dict(
        {"grid": {"kl_reduction": ["sum", "mean"], "deterministic": [True, False]}}
    )
    assert sensitivities(plan, 1.0, 64) == []


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
