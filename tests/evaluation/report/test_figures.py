"""Figures that must not fail or lie on odd numbers."""

import io

import numpy as np
import pytest
from PIL import Image

from keras_dldl.evaluation.report import figures


def is_png(content):
    return Image.open(io.BytesIO(content)).format == "PNG"


def test_a_perfect_model_and_more_points_than_the_scatter_shows_can_be_drawn():
    label = np.array([5.0, 7.0])
    assert is_png(figures.cumulative_score_curve(label, label, "years", label))
    assert is_png(figures.error_histogram(label, label, "years"))
    label = np.zeros(figures.MAX_POINTS + 5)
    assert is_png(figures.predicted_against_true(label, label + 1, "years"))


@pytest.mark.parametrize("number", ["mae", "bias"])
def test_groups_of_any_name_with_and_without_intervals(number):
    one = {"n": 3, "mae": 2.0, "bias": -1.0}
    groups = {
        "$x_1$ \\frac": one | {"confidence": {"mae": [1.0, 3.0], "bias": None}},
        "a name that is longer than a line has room for": one,
    }
    assert is_png(figures.group_dots(groups, number, "years"))
    assert is_png(figures.error_by_group(groups, "years"))
