"""Where boxes, labels and curves are drawn; nothing global is touched."""

import subprocess
import sys

import numpy as np
import pytest

from keras_dldl.drawing import BOX_COLOUR, annotate, plot_distribution
from keras_dldl.errors import UnreadableImage
from keras_dldl.labels import LabelGrid
from keras_dldl.prediction import Prediction
from tests.faces.odd_images import rotated_by_exif

AGE = LabelGrid.age()


def prediction(mean=31.4, std=5.0, grid=AGE, **details):
    mass = np.exp(-((grid.labels64 - mean) ** 2) / (2 * std**2))
    return Prediction(mass / mass.sum(), grid, **details)


def blue(height, width):
    return np.full((height, width, 3), (0, 0, 255), np.uint8)


def drawn(picture):
    """Return the rows and columns that are not blue any more."""
    return np.nonzero((np.asarray(picture) != (0, 0, 255)).any(axis=2))


def label_rows(picture):
    """Return the first and last row that hold text."""
    red, _, blue = np.moveaxis(np.asarray(picture), 2, 0)
    rows = np.nonzero((red < 140) & (blue < 100))[0]  # small letters are grey at their edges
    return rows.min(), rows.max()


@pytest.mark.parametrize("side", [40, 64, 200, 1000, 4000])
def test_label_is_legible_and_inside_at_every_size(side):
    box = (side * 0.3, side * 0.4, side * 0.3, side * 0.4)
    picture = annotate(blue(side, side), prediction(box=box))
    assert picture.size == (side, side) and picture.mode == "RGB"
    top, bottom = label_rows(picture)
    assert bottom - top + 1 >= max(5, side * 0.018)  # of 1000 pixels, letters of 18 or more
    rows, columns = drawn(picture)
    assert len(rows) < 0.4 * side * side


def test_box_is_drawn_around_the_face():
    picture = np.asarray(annotate(blue(200, 300), prediction(box=(100, 80, 50, 60))))
    for x, y in ((100, 110), (150, 110), (125, 80), (125, 140)):
        assert tuple(picture[y, x]) == BOX_COLOUR
    assert tuple(picture[110, 125]) == (0, 0, 255)


@pytest.mark.parametrize(
    ("box", "inside"),
    [
        ((50, 100, 60, 60), lambda top, bottom: bottom < 100),  # above
        ((50, 3, 60, 60), lambda top, bottom: top > 63),  # no room above: below
        ((0, 0, 199, 199), lambda top, bottom: bottom < 100),  # nor below: inside
        ((-20, -20, 400, 400), lambda top, bottom: bottom < 100),
        ((195, 195, 5, 5), lambda top, bottom: bottom < 195),
        (None, lambda top, bottom: bottom < 50),  # a crop
    ],
)
def test_label_finds_room(box, inside):
    picture = annotate(blue(200, 200), prediction(box=box))
    assert inside(*label_rows(picture))


def test_an_array_is_not_drawn_on_and_a_photo_is_turned_upright():
    array = blue(50, 80)
    annotate(array, [prediction(box=(10, 10, 20, 20)), prediction(box=(40, 10, 20, 20))])
    assert (array == (0, 0, 255)).all()
    assert annotate(rotated_by_exif(array, 6), []).size == (50, 80)


def test_annotate_heeds_the_pixel_limit():
    with pytest.raises(UnreadableImage, match="over the limit"):
        annotate(blue(10, 10), [], max_pixels=99)


def test_plot_shows_distribution_expectation_and_interval():
    p = prediction(name="_a$x^{.jpg")
    (axes,) = plot_distribution(p, level=0.5).axes
    curve, mean = axes.lines
    np.testing.assert_allclose(curve.get_ydata(), p.distribution)
    np.testing.assert_allclose(curve.get_xdata(), np.arange(101))
    assert mean.get_xdata()[0] == pytest.approx(31.4)
    shaded = axes.collections[0].get_paths()[0].vertices[:, 0]
    assert (shaded.min(), shaded.max()) == pytest.approx(p.interval(0.5))
    assert axes.get_xlabel() == "age (years)" and "50 %" in axes.get_title()
    assert axes.get_legend().get_texts()[0].get_text() == r"31.4 ± 5 years, _a\$x^{.jpg"


def test_plot_of_a_crowd_keeps_its_legend_short(tmp_path):
    grid = LabelGrid.scut_fbp()
    people = [prediction(1 + i / 8, 0.3, grid, name="x" * 100) for i in range(24)]
    figure = plot_distribution(people)
    (axes,) = figure.axes
    assert len(axes.get_legend().get_texts()) == 10
    assert axes.get_legend().get_title().get_text() == "and 14 more"
    assert axes.get_xlabel() == "attractiveness (points)" and axes.get_xlim() == (1, 5)
    figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 5000


def test_names_in_any_script_are_drawn_without_a_warning(tmp_path):
    figure = plot_distribution(prediction(name="ü 年齢 \udce9\n.jpg"))
    figure.savefig(tmp_path / "plot.png")  # a warning fails the test
    (text,) = figure.axes[0].get_legend().get_texts()
    assert text.get_text() == "31.4 ± 5 years, ü ?? ??.jpg"


def test_plot_of_nothing():
    with pytest.raises(ValueError, match="nothing to plot"):
        plot_distribution([])


@pytest.mark.slow
def test_pyplot_is_not_loaded():
    code = """if True:
        import sys
        from keras_dldl import LabelGrid, Prediction
        from keras_dldl.drawing import plot_distribution
        plot_distribution(Prediction([0.5, 0.5], LabelGrid(0, 1)))
        sys.exit("matplotlib.pyplot" in sys.modules or "keras" in sys.modules)
    """
    assert subprocess.run([sys.executable, "-c", code], cwd=".").returncode == 0
