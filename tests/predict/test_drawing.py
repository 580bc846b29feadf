"""Where boxes, labels and curves are drawn; nothing global is touched."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import ImageColor, ImageDraw

from keras_dldl.errors import ConfigError, UnreadableImage
from keras_dldl.labels import LabelGrid
from keras_dldl.predict import Prediction
from keras_dldl.predict.drawing import (
    COLOURS,
    annotate,
    picture_suffixes,
    plot_distribution,
    plot_suffixes,
)
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


def is_of(picture, number):
    """Return where the picture has the colour of a face, (H, W) booleans."""
    return (np.asarray(picture) == ImageColor.getrgb(COLOURS[(number - 1) % 10])).all(axis=2)


@pytest.fixture
def labels(monkeypatch):
    """Take down what is written, and on which rectangle: (text, left, top, right, bottom)."""
    written, rectangles = [], []
    rectangle, text = ImageDraw.ImageDraw.rectangle, ImageDraw.ImageDraw.text

    def drawn_rectangle(self, xy, *args, **options):
        rectangles.append(xy)
        rectangle(self, xy, *args, **options)

    def drawn_text(self, xy, words, *args, **options):
        extent = self.textbbox(xy, words, options["font"], anchor=options["anchor"])
        x, y, right, bottom = rectangles[-1]
        inside = x <= extent[0] and y <= extent[1] and extent[2] <= right + 1
        assert inside and extent[3] <= bottom + 1, (words, extent, rectangles[-1])
        written.append((words, x, y, right, bottom))
        text(self, xy, words, *args, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "rectangle", drawn_rectangle)
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", drawn_text)
    return written


def crowd(count, width, height, rng):
    """Return so many faces in a grid of cells, each somewhere in its cell, some at the edges."""
    columns = int(np.ceil(np.sqrt(count * width / height)))
    rows = -(-count // columns)
    cell = width / columns, height / rows
    side = 0.7 * min(cell)
    found = []
    for i in range(count):
        corner = np.array([i % columns, i // columns]) * cell
        x, y = corner + rng.choice([0.0, 0.5, 1.0], 2) * (np.array(cell) - side)
        found.append(prediction(1 + 3 * i, number=i + 1, box=(x, y, side, side)))
    return found


def shared(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)


@pytest.mark.parametrize(
    ("count", "width", "height"),
    [
        (2, 100, 100), (2, 100, 40), (3, 150, 100), (5, 300, 200), (5, 1000, 700),
        (12, 640, 480), (30, 700, 420), (30, 1600, 1000), (30, 6000, 4000), (4, 400, 1600),
    ],
)  # fmt: skip
def test_labels_of_a_group_are_apart_inside_and_at_their_own_face(labels, count, width, height):
    faces = crowd(count, width, height, np.random.default_rng(count))
    annotate(np.zeros((height, width, 3), np.uint8), faces)
    assert len(labels) == count
    boxes = [(x, y, x + w, y + h) for x, y, w, h in (face.box for face in faces)]
    for i, (text, *label) in enumerate(labels):
        assert text.split(":")[0] == str(i + 1)
        left, top, right, bottom = label
        assert 0 <= left and 0 <= top and right < width and bottom < height
        for j in range(count):
            if j != i:
                assert shared(label, labels[j][1:]) == 0, (text, labels[j])
                assert shared(label, boxes[j]) < 0.05 * (boxes[j][2] - boxes[j][0]) ** 2
        near = (left - 2, top - 2, right + 2, bottom + 2)
        assert shared(near, boxes[i]) > 0


def test_labels_of_people_in_a_close_row_stand_in_rows(labels):
    faces = [prediction(number=n, box=(11 * n - 11, 60, 10, 12)) for n in range(1, 31)]
    annotate(np.zeros((130, 340, 3), np.uint8), faces)
    boxes = [label for _, *label in labels]
    assert not any(shared(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    for n, (left, _, right, _) in enumerate(boxes):
        assert left - 1 <= 11 * n + 10 and 11 * n <= right + 1  # over or under its face


def test_labels_tell_what_there_is_room_for(labels):
    p = prediction(box=(20, 20, 60, 60))
    annotate(blue(400, 600), p, level=0.5)
    low, high = p.interval(0.5)
    assert labels.pop()[0] == f"31.4 ({low:.1f}-{high:.1f})"
    several = [prediction(number=n, box=(90 * n, 50, 80, 80)) for n in (1, 2, 3)]
    annotate(blue(400, 600), several)
    assert [text for text, *_ in labels] == [f"{n}: 31.4 (23.2-39.6)" for n in (1, 2, 3)]
    labels.clear()
    narrow = [prediction(number=n, box=(33 * n - 33, 2, 32, 26)) for n in (1, 2, 3)]
    annotate(blue(30, 100), narrow)
    assert [text for text, *_ in labels] == ["1", "2", "3"]


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_is_read_easily_on_every_colour(labels):
    faces = [prediction(number=n, box=(200 * n, 100, 150, 150)) for n in range(1, 11)]
    picture = np.asarray(annotate(blue(400, 2300), faces)) / 255
    for (_, left, top, right, bottom), colour in zip(labels, COLOURS, strict=True):
        label = picture[int(top) : int(bottom), int(left) : int(right)].reshape(-1, 3)
        paper = luminance(label[0])
        assert (label[0] * 255).round().tolist() == list(ImageColor.getrgb(colour))
        inks = [luminance(pixel) for pixel in label]
        ratios = [(max(paper, i) + 0.05) / (min(paper, i) + 0.05) for i in inks]
        assert max(ratios) >= 4.5, colour


@pytest.mark.parametrize("side", [64, 200, 1000, 4000])
def test_label_is_legible_and_small_at_every_size(labels, side):
    box = (side * 0.3, side * 0.4, side * 0.3, side * 0.4)
    picture = annotate(blue(side, side), prediction(box=box))
    assert picture.size == (side, side) and picture.mode == "RGB"
    ((_, _, top, _, bottom),) = labels
    assert bottom - top >= max(9, side * 0.026)  # letters and their border
    rows, columns = drawn(picture)
    assert len(rows) < 0.4 * side * side


def test_box_is_drawn_around_the_face_in_the_colour_of_its_number():
    faces = [prediction(box=(x, 80, 50, 60), number=n) for n, x in ((1, 100), (2, 200))]
    picture = annotate(blue(200, 300), faces)
    for number, left in ((1, 100), (2, 200)):
        coloured = is_of(picture, number)
        for x, y in ((left, 110), (left + 50, 110), (left + 25, 80), (left + 25, 140)):
            assert coloured[y, x]
    assert picture.getpixel((125, 110)) == (0, 0, 255)


@pytest.mark.parametrize(("height", "width"), [(300, 6000), (6000, 300)])
def test_lines_and_letters_of_a_panorama_are_seen_on_the_whole(labels, height, width):
    step = np.array([300, 0] if width > height else [0, 300])
    faces = [prediction(number=n, box=(*(60 + n * step), 170, 170)) for n in range(1, 19)]
    picture = annotate(blue(height, width), faces)
    side = is_of(picture, 1)[int(faces[0].box[1]) + 85]
    left = int(faces[0].box[0])
    # Of the whole on a screen of 1,200 pixels, a fifth: the line is a pixel, letters are 4.
    assert side[left - 10 : left + 20].sum() >= 5
    assert all(text.endswith(")") for text, *_ in labels)
    assert min(bottom - top for _, _, top, _, bottom in labels) >= 22


def test_lines_around_tiny_faces_leave_the_face_to_be_seen():
    picture = annotate(blue(300, 6000), prediction(box=(3000, 150, 18, 18)))
    inside = np.asarray(picture)[154:164, 3004:3014]
    assert (inside == (0, 0, 255)).all(axis=2).mean() > 0.9


@pytest.mark.parametrize(
    ("box", "inside"),
    [
        ((50, 100, 60, 60), lambda top, bottom: bottom < 100),  # above
        ((50, 3, 60, 60), lambda top, bottom: top >= 63),  # no room above: below
        ((0, 0, 199, 199), lambda top, bottom: True),  # nor below: inside
        ((-20, -20, 400, 400), lambda top, bottom: bottom < 100),
        ((195, 195, 5, 5), lambda top, bottom: bottom < 195),
        (None, lambda top, bottom: bottom < 50),  # a crop
    ],
)
def test_label_finds_room(labels, box, inside):
    annotate(blue(200, 200), prediction(box=box))
    ((_, left, top, right, bottom),) = labels
    assert 0 <= left < right < 200 and 0 <= top < bottom < 200 and inside(top, bottom)


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
    title = axes.get_title().splitlines()
    low, high = p.interval(0.5)
    assert title == [r"_a\$x^{.jpg", f"31.4 years, 50 % interval {low:.1f} ... {high:.1f}"]


def test_faces_of_one_photo_stand_below_each_other_by_their_numbers():
    faces = [prediction(mean, name="group.jpg", number=n) for n, mean in enumerate((20, 40, 60), 1)]
    (axes,) = plot_distribution(faces).axes
    texts = [text.get_text() for text in axes.get_yticklabels()]
    ticks = dict(zip(texts, axes.get_yticks(), strict=True))
    assert list(ticks) == ["1: 20.0 (11.8-28.2)", "2: 40.0 (31.8-48.2)", "3: 60.0 (51.8-68.2)"]
    curves = axes.lines[::2]
    for curve, base, p, colour in zip(curves, ticks.values(), faces, COLOURS, strict=False):
        height = np.asarray(curve.get_ydata()) - base
        expected = p.distribution / p.distribution.max()
        np.testing.assert_allclose(height / height.max(), expected, atol=1e-6)
        assert height.min() >= 0 and height.max() < 1 and curve.get_color() == colour
    assert axes.get_title().splitlines()[0] == "group.jpg"


def test_plot_of_a_crowd_has_its_end(tmp_path):
    grid = LabelGrid.scut_fbp()
    people = [
        prediction(1 + i / 25, 0.3, grid, name=f"{i}" + "x" * 100, number=1) for i in range(100)
    ]
    figure = plot_distribution(people)
    (axes,) = figure.axes
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert len(names) == 60 and names[0].startswith("...xxx") and ": 1.2" in names[0]
    assert axes.get_title().endswith("the first 60 of 100 faces")
    assert axes.get_xlabel() == "attractiveness (points)" and axes.get_xlim() == (1, 5)
    figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 5000


def test_names_in_any_script_are_drawn_without_a_warning(tmp_path):
    figure = plot_distribution(prediction(name="ü 年齢 \udce9\n.jpg"))
    figure.savefig(tmp_path / "plot.png")  # a warning fails the test
    assert figure.axes[0].get_title().splitlines()[0] == "ü ?? ??.jpg"


def test_plot_of_nothing():
    with pytest.raises(ValueError, match="nothing to plot"):
        plot_distribution([])


@pytest.mark.parametrize(
    ("given", "received"),
    [
        ([UnreadableImage("gone.jpg: no such file")], "UnreadableImage: gone.jpg: no such file"),
        ([[prediction()]], r"list: \[Prediction"),
        (None, "NoneType: None"),
        ("ages", "str: ages"),
        (31.4, "float: 31.4"),
    ],
)
def test_what_is_no_prediction_is_named(given, received):
    for draw in (plot_distribution, lambda listed: annotate(blue(20, 20), listed)):
        with pytest.raises(ConfigError, match=f"must be a Prediction.*Received: {received}"):
            draw(given)


def test_two_tasks_share_no_axis():
    points = prediction(3, 0.5, LabelGrid.scut_fbp())
    with pytest.raises(ConfigError, match="one task. Received: age and attractiveness"):
        plot_distribution([prediction(), points])


@pytest.mark.filterwarnings("ignore:.*format is deprecated:DeprecationWarning")
def test_every_ending_that_is_offered_can_be_written(tmp_path):
    picture, plot = annotate(blue(40, 60), []), plot_distribution(prediction())
    for suffix in picture_suffixes():
        picture.save(tmp_path / f"picture{suffix}")
    for suffix in plot_suffixes():
        plot.savefig(tmp_path / f"plot{suffix}")
    written = {path.name for path in tmp_path.iterdir() if path.stat().st_size}
    assert {f"picture{suffix}" for suffix in picture_suffixes()} <= written
    assert {f"plot{suffix}" for suffix in plot_suffixes()} <= written
    assert {".png", ".jpg", ".webp", ".pdf"} <= set(picture_suffixes())


@pytest.mark.slow
def test_pyplot_is_not_loaded():
    code = """if True:
        import sys
        from keras_dldl import LabelGrid, Prediction
        from keras_dldl.predict.drawing import plot_distribution
        plot_distribution(Prediction([0.5, 0.5], LabelGrid(0, 1)))
        sys.exit("matplotlib.pyplot" in sys.modules or "keras" in sys.modules)
    """
    assert subprocess.run([sys.executable, "-c", code], cwd=".").returncode == 0
