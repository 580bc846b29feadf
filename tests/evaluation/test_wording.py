"""The numbers in words say what the intervals allow, and no more."""

import pytest

from keras_dldl.evaluation.wording import in_words
from keras_dldl.labels import LabelGrid
from tests.evaluation.made_up import made_up, rows_of


def numbers(n=400, mae=4.0, bias=0.0, around=0.2):
    return {
        "n": n, "mae": mae, "bias": bias, "cs": {"5": 70.0}, "interval_90_coverage": 90.5,
        "confidence": {
            "mae": [mae - around, mae + around],
            "bias": [bias - around, bias + around],
            "interval_90_coverage": [88.0, 93.0],
        },
    }  # fmt: skip


def group(mae=4.0, bias=0.0, n=100):
    return numbers(n=n, mae=mae, bias=bias)


def said(groups=None, **more):
    clean = {"checked": True, "seen_complete": True, "faces_in_train": 0, "faces_seen": 0}
    whole = numbers() | {"groups": groups or {}, "leak_check": clean, "unreadable": []}
    return in_words(whole | more, LabelGrid.age())


def test_the_error_with_its_interval():
    text = said()["error"]
    assert text.startswith(
        "On these 400 faces the age is off by 4.0 years on average (95 % interval 3.8 to 4.2)."
    )
    assert "For 70 % of the faces it is off by at most 5 years." in text


def test_one_face_is_not_called_several():
    one = {"n": 1, "confidence": {"mae": None, "bias": None, "interval_90_coverage": None}}
    found = said(**(numbers(mae=3.4) | one), leak_check={"checked": False})
    assert found["error"] == "On this one face the age is off by 3.4 years."
    assert "1 face is too few to judge them by" in found["shown"]
    assert "1 face is few" in found["doubtful"]


@pytest.mark.parametrize(
    ("bias", "words"),
    [
        (0.1, "not shown to be too high or too low"),
        (0.5, "0.5 years too high (95 % interval +0.3 to +0.7)"),
        (-0.5, "0.5 years too low (95 % interval -0.7 to -0.3)"),
    ],
)
def test_a_bias_is_told_only_where_its_interval_leaves_out_0(bias, words):
    assert words in said(**numbers(bias=bias))["error"]


def test_groups_are_worse_only_where_their_interval_lies_above_that_of_all():
    race = {"a": group(4.3), "b": group(5.0), "(none)": group(9.0)}
    decade = {"20-29": group(3.0, 1.0), "70-79": group(8.0, -6.0), "(others)": group(20.0, -20.0)}
    assert said({"race": race, "decade": decade})["groups"] == (
        "The error is larger than overall for ages 70-79 (8.0), race b (5.0). "
        "Predictions are too high for ages 20-29 (+1.0). "
        "Predictions are too low for ages 70-79 (-6.0)."
    )


TOO_FEW = "For whom the error is larger cannot be said: no two groups have at least 20 faces each."


def test_no_group_is_named_where_none_is_shown_to_differ():
    none = "No group of at least 20 faces is shown to have a larger error than overall."
    assert said({"race": {"a": group(4.3), "b": group(3.9)}})["groups"] == none
    assert said()["groups"] == TOO_FEW


def test_what_holds_nearly_all_faces_and_how_faces_were_found_is_not_named():
    nearly, others = group(4.6, 0.6, n=330), group(6.0, 2.0, n=70)
    assert said({"race": {"a": nearly, "b": others}})["groups"] == (
        "The error is larger than overall for race b (6.0). "
        "Predictions are too high for race b (+2.0)."
    )
    found = said({"face": {"found": nearly, "whole": others, "(others)": others}})
    assert found["groups"] == TOO_FEW
    assert "put together" not in found["doubtful"]
    assert "race a (4.6)" in said({"race": {"a": group(4.6, n=320)}})["groups"]


@pytest.mark.parametrize(
    ("n", "held", "interval", "words"),
    [
        (400, 90.5, [88, 93], "agrees with"),
        (400, 84.0, [80, 88], "too narrow"),
        (400, 84.0, [80, 91], "agrees with"),  # of few people with many faces
        (400, 94.0, [92, 96], "wider than they need"),
        (6, 67.0, [33, 100], "6 faces are too few"),
        (20, 100.0, [100, 100], "agrees with"),  # no miss of 20: 83 ... 100 % may hold
    ],
)
def test_intervals_are_judged_by_their_own_interval(n, held, interval, words):
    sure = numbers()["confidence"] | {"interval_90_coverage": interval}
    assert words in said(n=n, interval_90_coverage=held, confidence=sure)["shown"]


@pytest.mark.parametrize(
    ("leaks", "words"),
    [
        ({"faces_in_train": 3}, "if the model was trained on those, the error"),
        ({"faces_seen": 3}, "Some of these faces were trained on"),
        ({"seen_complete": False}, "is not known"),
        ({"checked": False}, "is not known"),
    ],
)
def test_faces_that_may_have_been_trained_on_are_told(leaks, words):
    clean = {"checked": True, "seen_complete": True, "faces_in_train": 0, "faces_seen": 0}
    assert words in said(leak_check=clean | leaks)["doubtful"]
    assert words not in said()["doubtful"]


def test_groups_put_together_are_told():
    text = said({"decade": {"0-9": group(), "(others)": group(n=3)}})["doubtful"]
    assert "put together as (others) by decade" in text
    text = said({"decade": {"(others)": group(n=43)}})["doubtful"]
    assert "No group by decade has 20 faces" in text and "put together" not in text


def test_of_few_faces_nothing_is_claimed():
    found = made_up(rows_of(5)).metrics["summary"]
    assert "interval" not in found["error"] and "too high" not in found["error"]
    assert "5 faces are few" in found["doubtful"]
