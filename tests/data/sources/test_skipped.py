"""Kinds of fault: which reasons are one kind, and how it is worded."""

import pytest

from keras_dldl.data.sources import Skipped
from keras_dldl.data.sources.base import kinds_of


def kinds(*reasons):
    skipped = [Skipped(f"{k}.jpg", reason) for k, reason in enumerate(reasons)]
    return [(kind.fault, kind.count) for kind in kinds_of(skipped)]


@pytest.mark.parametrize(
    ("reasons", "fault"),
    [
        (["second face", "second face"], "second face"),
        (["line 3: age is not a number: 'old'", "line 12: age is not a number: ''"],
         "age is not a number"),
        (["label 110 is off the grid 0...100", "label 116 is off the grid 0...100"],
         "label … is off the grid 0...100"),
        (["age 130.5 is outside 0...120"], "age 130.5 is outside 0...120"),
        (["no file 'a.jpg' there", "no file 'b.jpg' there"], "no file … there"),
        (["the picture is damaged, or cut short. Give a whole one. Received: 3",
          "the picture is damaged, or cut short. Give a whole one. Received: 4"],
         "the picture is damaged, or cut short"),
    ],
)  # fmt: skip
def test_one_kind(reasons, fault):
    assert kinds(*reasons) == [(fault, len(reasons))]


def test_kinds_stand_in_order_of_their_number_with_an_example():
    skipped = [Skipped("a.jpg", "second face"), *(Skipped(f"{k}", "no date") for k in range(3))]
    first, second = kinds_of(skipped)
    assert (first.fault, first.count, first.example) == ("no date", 3, "0")
    assert (second.fault, second.count) == ("second face", 1)
    assert kinds_of([]) == []
