"""Figures that must not fail or lie on odd numbers."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
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


@pytest.fixture
def drawn(monkeypatch):
    """Take down the axes of the figures that are saved."""
    axes = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: axes.extend(self.axes))
    return axes


@pytest.mark.parametrize("count", [1, 2, 9, 30])
def test_of_few_faces_each_error_is_on_the_figures(drawn, count):
    label = np.full(count, 20.0)
    value = label + 1.5 * np.arange(1, count + 1)
    figures.cumulative_score_curve(label, value, "years")
    figures.error_histogram(label, value, "years")
    curve, histogram = drawn
    steps = curve.lines[0]
    assert steps.get_ydata()[-1] == 100 and steps.get_xdata()[-1] == 1.5 * count
    assert curve.get_xlim()[1] > 1.5 * count
    assert sum(bar.get_height() for bar in histogram.patches) == count


def test_the_curve_of_the_other_model_is_seen_to_its_end(drawn):
    label = np.arange(9.0)
    figures.cumulative_score_curve(label, label + 1, "years", label + 8)
    assert drawn[0].get_xlim()[1] > 8 and drawn[0].lines[-1].get_ydata()[-1] == 100


def test_of_many_faces_the_largest_errors_do_not_squeeze_the_others(drawn):
    label, value = np.zeros(1000), np.r_[np.full(999, 1.0), 90.0]
    figures.cumulative_score_curve(label, value, "years")
    figures.error_histogram(label, value, "years")
    assert max(drawn[0].get_xlim()[1], drawn[1].get_xlim()[1]) < 3


def test_points_of_few_faces_are_large_enough_to_be_seen(drawn):
    for count in (3, 5000):
        figures.predicted_against_true(np.arange(count), np.arange(count) + 1.0, "years")
    few, many = (axes.collections[0].get_sizes()[0] for axes in drawn)
    assert few > 4 * many


def test_names_in_any_script_are_drawn_without_a_warning(drawn):
    groups = {name: {"n": 30, "mae": 2.0, "bias": -1.0} for name in ("年齢", "ü")}
    figures.group_dots(groups, "mae", "years")  # a warning fails the test
    assert [text.get_text() for text in drawn[0].get_yticklabels()] == ["??  (30)", "ü  (30)"]
    label = np.arange(30.0)
    figures.cumulative_score_curve(label, label + 1, "years", label + 2, "年齢.keras")
    assert drawn[1].get_legend().get_texts()[1].get_text() == "??.keras"


def test_long_names_that_differ_at_their_ends_are_told_apart(drawn):
    one = {"n": 30, "mae": 2.0, "bias": -1.0}
    names = [f"a long name of a group of people, {end}" for end in ("one", "another")]
    figures.group_dots(dict.fromkeys(names, one), "mae", "years")
    shown = [text.get_text() for text in drawn[0].get_yticklabels()]
    assert len(set(shown)) == 2 and all(len(text) < 40 for text in shown)
    assert "another" in shown[1]
