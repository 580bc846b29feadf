"""What ships: complete, of this package, with figures that are said everywhere alike."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from keras_dldl import load_model, saved_models
from keras_dldl.data.augment import Augmentation
from keras_dldl.training import TrainConfig
from tests.scripts_case import load_script

ROOT = Path(__file__).parents[1]
NAMES = saved_models.names()


def metrics_of(name):
    return json.loads((saved_models.folder(name) / "metrics.json").read_text(encoding="utf-8"))


def card_of(name):
    return (saved_models.folder(name) / "CARD.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_the_one_that_was_measured_and_gives_distributions(name):
    metrics, model = metrics_of(name), load_model(name)
    assert model.count_params() == metrics["parameters"]
    assert model.input_size == metrics["input_size"] and model.grid.task == metrics["task"]
    content = (saved_models.folder(name) / "model.tflite").read_bytes()
    assert hashlib.sha256(content).hexdigest() == metrics["model"]["sha256"]
    faces = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]), dtype=np.uint8)
    p = np.asarray(model(faces))
    assert p.shape == (2, model.grid.size) and p.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_cards_and_readme_say_the_measured_figures():
    assert "tiny-age" in NAMES
    wanted = load_script("card_figures").wanted()
    assert len(wanted) == len(NAMES) + 1
    for path, text in wanted.items():
        assert path.read_text(encoding="utf-8") == text, f"run scripts/card_figures.py: {path}"


@pytest.mark.parametrize("name", NAMES)
def test_the_error_in_the_card_is_the_measured_one(name):
    metrics = metrics_of(name)
    decimals = 2 if metrics["task"] == "age" else 3
    assert f"**MAE {metrics['mae']:.{decimals}f} " in card_of(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_what_a_user_must_know(name):
    card = card_of(name)
    for heading in ("How well it does", "Data", "Licence", "Recipe", "What it must not be used"):
        assert f"\n## {heading}" in card
    assert "keras-dldl train" in card and "research only" in card


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_can_be_run(name):
    recipes = sorted(saved_models.folder(name).glob("*.yaml"))
    assert recipes
    for recipe in recipes:
        config = TrainConfig.load(recipe)
        assert Augmentation.from_config(dict(config.augment)).get_config()["flip"] == 0.5
        assert recipe.name in card_of(name)


@pytest.mark.parametrize("name", NAMES)
def test_no_file_names_a_place_on_somebodys_machine(name):
    for path in saved_models.folder(name).iterdir():
        if path.suffix in (".json", ".md", ".yaml"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"(^|[\"'\s=])(/|~/|[A-Z]:\\)\w", text, re.MULTILINE), path.name
