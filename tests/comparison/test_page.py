from pathlib import Path

import pytest

from keras_dldl.comparison import Plan
from keras_dldl.training.config import TrainConfig
from tests.scripts_case import load_script

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")


def plans() -> list[dict]:
    """Return the example of a plan on the page, and the plan that was measured."""
    import yaml

    (example,) = PAGE.split("```yaml\n")[1:]
    measured = (ROOT / "docs" / "comparison.yaml").read_text(encoding="utf-8")
    return [yaml.safe_load(text) for text in (example.split("```")[0], measured)]


@pytest.fixture(scope="module")
def script():
    return load_script("comparison_figures")


def test_the_page_says_what_was_measured(script):
    assert script.wanted(PAGE, script.read()) == PAGE, "run scripts/comparison_figures.py"


def test_marks_that_are_missing_are_named(script):
    with pytest.raises(ValueError, match="The marks are missing"):
        script.wanted("no marks", script.read())


def test_the_plans_of_the_page_can_be_read():
    example, measured = plans()
    example.pop("runs")  # of folders that only the reader has
    plan = Plan.from_dict(example)
    names = [variant.name for variant in plan.variants]
    assert "without augmentation" in names and "dldl-v2 lambda=0.1" in names
    assert plan.variant("dldl-v2 step=2").seeds == (0,)
    assert len(Plan.from_dict(measured).variants) == 14


def test_the_plan_beside_the_page_is_the_plan_measured(script):
    content, plan = script.read(), Plan.from_dict(plans()[1])
    assert {entry["name"] for entry in content["variants"]} <= {v.name for v in plan.variants}
    measured = TrainConfig.from_dict(content["settings"])
    assert measured == TrainConfig.from_dict({**plan.base.to_dict(), "data": []})
    assert (content["baseline"], content["split"]) == (plan.baseline, plan.split)


def test_the_pictures_are_there(script):
    assert "comparison.png" in script.drawn(script.read())
    for name in script.drawn(script.read()):
        assert (ROOT / "docs" / "images" / name).exists()
