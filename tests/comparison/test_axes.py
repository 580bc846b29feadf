from keras_dldl.comparison import Plan
from keras_dldl.comparison.summary import ablations, sensitivities


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
    by_setting = {axis["setting"]: axis["curves"] for axis in sensitivities(plan, 1.0, 64)}
    assert set(by_setting) == {"expectation_weight", "label_step"}
    (weights,), (steps,) = by_setting["expectation_weight"], by_setting["label_step"]
    assert weights["name"] == steps["name"] == "dldl-v2"
    assert [(point["value"], point["variant"]) for point in weights["points"]] == [
        (0.1, "dldl-v2 lambda=0.1"), (1.0, "dldl-v2"), (10.0, "dldl-v2 lambda=10"),
    ]  # fmt: skip
    # Without a value of its own the step is that of the data.
    assert [(point["value"], point["variant"]) for point in steps["points"]] == [
        (0.5, "dldl-v2 step=0.5"), (1.0, "dldl-v2"), (2.0, "dldl-v2 step=2"),
    ]  # fmt: skip


def test_words_and_switches_are_no_curves():
    plan = Plan.from_dict(
        {"grid": {"kl_reduction": ["sum", "mean"], "deterministic": [True, False]}}
    )
    assert sensitivities(plan, 1.0, 64) == []
