"""Strengths by name, and their ranges."""

import pytest

from keras_dldl.data.augment import Augmentation
from keras_dldl.errors import ConfigError


def test_strengths_by_name():
    changed = Augmentation(rotation=3, zoom=0.1, erase=0.25)
    assert Augmentation.from_config(changed.get_config()) == changed
    assert Augmentation.from_config({"shear": 5}) == Augmentation(shear=5)
    with pytest.raises(ConfigError, match="Augmentations are flip.*Received: flop"):
        Augmentation.from_config({"flop": 1})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("flip", 2, "[0, 1]"), ("flip", True, "[0, 1]"), ("grey", "much", "[0, 1]"),
        ("rotation", 181, "[0, 180]"), ("shear", -1, "[0, 45]"), ("zoom", 1.0, "[0, 0.9]"),
        ("resolution", 0.0, "[0.05, 1]"), ("crop", 0, "[0.1, 1]"),
        ("erase_area", 0.9, "[0.02, 0.5]"), ("shift", float("nan"), "[0, 1]"),
    ],
)  # fmt: skip
def test_a_strength_out_of_range(name, value, allowed):
    with pytest.raises(ConfigError) as raised:
        Augmentation(**{name: value})
    expected = f"Augmentation `{name}` must be a number in {allowed}. Received: {name}={value!r}"
    assert str(raised.value) == expected


def test_none_turns_everything_off():
    none = Augmentation.none()
    assert not none.changes_colour and not none.moves_pixels and none.mixup == 0
    moves = dict.fromkeys(("flip", "rotation", "shear", "zoom", "shift", "cut"), 0.1)
    for name, value in {**moves, "resolution": 0.9, "crop": 0.9}.items():
        assert Augmentation.from_config({**none.get_config(), name: value}).moves_pixels
    for name in ("grey", "brightness", "contrast", "saturation"):
        assert Augmentation.from_config({**none.get_config(), name: 0.1}).changes_colour


def test_variety_leads_from_the_papers_strengths_to_all():
    assert Augmentation.varied(0) == Augmentation()
    half, full = Augmentation.varied(0.5), Augmentation.varied(1)
    for name in ("blur", "sharpen", "noise", "grain", "warmth", "gamma", "sepia", "fill", "cut"):
        assert 0 < getattr(half, name) == getattr(full, name) / 2
    assert (half.jpeg, full.jpeg) == (60, 20)
