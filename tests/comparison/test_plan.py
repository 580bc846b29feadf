import pytest

from keras_dldl.comparison import Plan
from keras_dldl.comparison.estimate import seconds_each
from keras_dldl.comparison.plan import folder_name, plan_values, variant_name
from keras_dldl.errors import ConfigError
from keras_dldl.training import TrainConfig


def names(plan):
    return [variant.name for variant in plan.variants]


def test_a_grid_is_every_combination():
    plan = Plan.from_dict(
        {"grid": {"method": ["dex", "er"], "model": ["tiny-age-net", "thin-age-net"]}, "seeds": 2}
    )
    assert names(plan) == ["dex", "dex thin-age-net", "er", "er thin-age-net"]
    assert all(variant.seeds == (0, 1) for variant in plan.variants)
    assert plan.variant("er thin-age-net").config == TrainConfig(method="er", model="thin-age-net")
    assert (plan.baseline, plan.split) == ("dex", "test")


def test_groups_share_a_variant_with_equal_settings():
    plan = Plan.from_dict(
        {
            "settings": {"epochs": 5, "augment": {"grey": 0.0}},
            "seeds": [2, 0],
            "grid": {"method": ["dldl", "dldl-v2"]},
            "groups": [
                {"grid": {"expectation_weight": [0.1, 1, 10]}, "seeds": 2},
                {"name": "flat", "settings": {"augment.rotation": 0}},
            ],
        }
    )
    assert names(plan) == ["dldl", "dldl-v2", "dldl-v2 lambda=0.1", "dldl-v2 lambda=10", "flat"]
    assert [v.seeds for v in plan.variants] == [(0, 2), (0, 1, 2), (0, 1), (0, 1), (0, 2)]
    assert plan.variant("flat").config.augment == {"grey": 0.0, "rotation": 0}
    assert plan.baseline == "dldl-v2"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, "needs something to compare.*Received: none"),
        ({"grid": {}}, "needs something to compare"),
        ({"grid": {"method": ["ranking_bce"]}}, "Did you mean ranking-bce"),
        ({"grid": {"lerning_rate": [1]}}, "Did you mean.*`learning_rate`"),
        ({"settings": {"epohcs": 2}, "grid": {"method": ["er"]}}, "Did you mean `epochs`"),
        ({"grid": {"sigma": [-1]}}, "Allowed: a number, at least 0.*sigma=-1"),
        ({"grid": {"method": "dex"}}, "as a list of at least one.*method='dex'"),
        ({"grid": {"method": []}}, "as a list of at least one"),
        ({"grid": {"seed": [1, 2]}}, "Seeds and data are no settings to vary"),
        ({"grid": ["dex"]}, "`grid` must be a mapping"),
        ({"methods": ["dex"]}, "A plan has the keys.*Received: 'methods'"),
        ({"groups": {"a": 1}}, "`groups` must be a list"),
        ({"groups": [{"setings": {}}]}, "A group has the keys.*Did you mean settings"),
        ({"groups": [{"name": "a", "grid": {"sigma": [1]}}]}, "A name is for a group of one"),
        (
            {"groups": [{"name": "a"}, {"name": "a", "settings": {"sigma": 1}}]},
            "other names.*name='a' twice",
        ),
        ({"grid": {"method": ["dldl"]}, "baseline": "dlld"}, "one of 'dldl'. Did you mean dldl"),
        ({"grid": {"method": ["er"]}, "split": "train"}, "`split` .* one of 'test', 'val'"),
        ({"grid": {"method": ["er"]}, "seeds": 0}, "how many, at least 1.*seeds=0"),
        ({"grid": {"method": ["er"]}, "seeds": [-1]}, "`seed` cannot have this value"),
        ({"runs": {"a": "nowhere"}}, "must name run folders.*nowhere"),
        ({"runs": {"a": []}}, "a run folder, or a list of them"),
    ],
)
def test_bad_plans(values, named):
    with pytest.raises(ConfigError, match=named):
        Plan.from_dict(values)


def test_options_are_laid_over_the_file(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text("seeds: 2\nsettings: {epochs: 5, sigma: 1}\ngrid: {method: [er]}\n")
    values = plan_values(
        file,
        data=["d"],
        methods="dex, dldl",
        axes=["label_step=null,2", "augment.flip=0,0.5"],
        assignments=["epochs=9"],
        runs=["old=a", "old=b"],
        split="val",
    )
    assert values == {
        "data": ["d"],
        "seeds": 2,
        "settings": {"epochs": 9, "sigma": 1},
        "grid": {"method": ["dex", "dldl"], "label_step": [None, 2], "augment.flip": [0, 0.5]},
        "runs": {"old": ["a", "b"]},
        "split": "val",
    }


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"methods": "dex,,er"}, "--methods takes names"),
        ({"axes": ["sigma"]}, "KEY=VALUE"),
        ({"runs": ["folder"]}, "NAME=DIR"),
    ],
)
def test_bad_options(options, named):
    with pytest.raises(ConfigError, match=named):
        plan_values(**options)


def test_names_tell_what_differs_and_folders_of_other_names_are_others():
    base = TrainConfig(epochs=5)
    config = base.updated({"label_step": 2, "deterministic": True, "method_options.norm": "l2"})
    named = "dldl-v2 deterministic=true method_options.norm=l2 step=2"
    assert variant_name(base, config) == named
    variants = ["a b", "a_b", "a:b", "a/b", "../a"]
    folders = {folder_name(variant, 0) for variant in variants}
    assert len(folders) == len(variants)
    assert not any("/" in folder or ":" in folder for folder in folders)


def test_steps_are_timed_on_whole_batches_after_the_first():
    seen = []
    batches = [([0] * size, None) for size in (4, 4, 4, 2)]
    seconds = seconds_each(lambda batch: seen.append(len(batch[0])), batches)
    assert seen == [4, 4, 4]
    assert 0 <= seconds < 1
