"""A prediction is its value; its spread is checked against sums, and against SciPy's normal."""

import copy
import io
import json
import math
import pickle

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from keras_dldl.calibration import Calibration
from keras_dldl.errors import ConfigError, UnreadableImage
from keras_dldl.labels import LabelGrid
from keras_dldl.predict.prediction import FaceWarning, Prediction
from tests.calibration.given import faces

AGE = LabelGrid.age()


def gaussian(mean, std, grid=AGE):
    mass = np.exp(-((grid.labels64 - mean) ** 2) / (2 * std**2))
    return mass / mass.sum()


@pytest.fixture
def p():
    return Prediction(
        gaussian(31.4, 5.0),
        AGE,
        box=(1, 2, 30, 40),
        landmarks=np.arange(10).reshape(5, 2),
        score=np.float32(0.5),
        name="a.jpg",
    )


def test_value_std_and_distribution(p):
    mass = gaussian(31.4, 5.0)
    mean = sum(label * share for label, share in enumerate(mass))
    variance = sum((label - mean) ** 2 * share for label, share in enumerate(mass))
    assert p.value == pytest.approx(mean, rel=1e-12) and type(p.value) is float
    assert p.std == pytest.approx(math.sqrt(variance), rel=1e-6) and type(p.std) is float
    assert p.distribution.shape == p.labels.shape == (101,)
    assert p.distribution.dtype == p.labels.dtype == np.float32
    assert p.distribution.sum() == pytest.approx(1, abs=1e-6)
    assert (p.unit, p.task, p.name) == ("years", "age", "a.jpg")
    assert p.box == (1.0, 2.0, 30.0, 40.0) and p.landmarks.shape == (5, 2) and p.score == 0.5


def test_it_behaves_as_its_value(p):
    value = p.value
    assert isinstance(p, float) and float(p) == value and int(p) == 31 and round(p) == 31
    assert f"{p:.1f}" == "31.4" and f"{p:6.2f}" == " 31.40" and str(p) == str(value)
    assert 31 < p < 32 and p == value and p >= value and p != 30 and hash(p) == hash(value)
    assert p + 1 == value + 1 and 1 - p == 1 - value and 2 * p == 2 * value and p / 2 == value / 2
    assert -p == -value and abs(p) == value and p**2 == value**2 and round(p, 1) == 31.4
    assert np.asarray([p, p]).tolist() == [value, value] and np.float64(p) == value
    assert json.loads(json.dumps(p)) == value
    older = Prediction(gaussian(60, 5), AGE)
    assert sorted([older, p])[0] is p and max(p, older) is older and p < older
    assert np.mean([p, older]) == pytest.approx((value + older.value) / 2)


def test_repr_tells_value_and_interval(p):
    assert repr(p) == "Prediction(31.4 years, 90 % interval 23.2 ... 39.6)"
    grid = LabelGrid.scut_fbp()
    assert repr(Prediction(gaussian(3, 0.3, grid), grid)).startswith("Prediction(3.00 points, ")


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_interval_is_that_of_a_normal_far_from_the_ends(level):
    low, high = Prediction(gaussian(50, 6), AGE).interval(level)
    # The cell of one step widens the variance by 1/12.
    expected = stats.norm(50, math.sqrt(36 + 1 / 12)).interval(level)
    assert (low, high) == pytest.approx(expected, abs=0.03)


def test_interval_by_hand():
    p = Prediction([0.25, 0.5, 0.25], LabelGrid(0, 2))
    # Cells [-.5, .5], [.5, 1.5], [1.5, 2.5]. A tail of 0.25 ends at 0.5 and starts at 1.5; one of
    # 0.375 is a quarter into the middle cell; one of 0.1 is at -0.1, cut at the grid's end, 0.
    assert p.interval(0.5) == pytest.approx((0.5, 1.5))
    assert p.interval(0.25) == pytest.approx((0.75, 1.25))
    assert p.interval(0.8) == (0.0, 2.0)


def test_interval_of_a_single_label_is_inside_its_cell_and_the_grid():
    for label, expected in ((0, (0, 0.45)), (3, (2.55, 3.45)), (5, (4.55, 5))):
        p = Prediction(np.eye(6)[label], LabelGrid(0, 5))
        assert p.value == label and p.std == 0
        assert p.interval(0.9) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_intervals_are_nested_and_hold_their_share(seed):
    grid = LabelGrid.cfd()
    mass = np.random.default_rng(seed).dirichlet(np.full(grid.size, 0.2))
    p = Prediction(mass, grid)
    samples = np.random.default_rng(1).choice(grid.labels64, 40_000, p=mass)
    samples += np.random.default_rng(2).uniform(-0.05, 0.05, 40_000)
    last = (math.inf, -math.inf)
    for level in (0.2, 0.5, 0.9, 0.99):
        low, high = p.interval(level)
        assert grid.start <= low <= high <= grid.stop
        assert low <= last[0] and high >= last[1]
        clipped = np.clip(samples, grid.start, grid.stop)
        assert np.mean((clipped >= low) & (clipped <= high)) >= level - 0.01
        last = (low, high)


@pytest.mark.parametrize("level", [0, 1, -0.1, 1.5, 90, float("nan"), "0.9", None, True])
def test_levels_out_of_range(p, level):
    with pytest.raises(ConfigError, match="level.*Received"):
        p.interval(level)


def test_to_dict_is_the_face_of_the_contract(p):
    item = p.to_dict(0.8)
    keys = (
        "number value std interval level box landmarks roll score faces_found calibrated warnings"
    )
    assert (
        list(item) == keys.split()
        and item["number"] == 1
        and item["calibrated"] is False
        and item["warnings"] == []
    )
    assert item["interval"] == list(p.interval(0.8)) and item["level"] == 0.8
    assert item["box"] == [1.0, 2.0, 30.0, 40.0] and item["score"] == 0.5
    assert json.loads(json.dumps(item)) == item
    crop = Prediction(gaussian(3, 1), AGE).to_dict()
    assert crop["box"] is None and crop["score"] is None and crop["level"] == 0.9


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))]
)
def test_copies_keep_everything(p, again):
    q = again(p)
    assert type(q) is Prediction and q == p and repr(q) == repr(p)
    np.testing.assert_array_equal(q.distribution, p.distribution)
    np.testing.assert_array_equal(q.landmarks, p.landmarks)
    assert (q.grid, q.box, q.score, q.name) == (p.grid, p.box, p.score, p.name)


def test_float32_rounding_is_scaled_away():
    p = Prediction(gaussian(70, 9).astype(np.float32) * np.float32(1.001), AGE)
    assert p.distribution.sum(dtype=np.float64) == pytest.approx(1, abs=1e-6)
    assert p.value == pytest.approx(gaussian(70, 9) @ np.arange(101), rel=1e-6)


@pytest.mark.parametrize(
    "distribution",
    [np.full(100, 0.01), np.full(101, np.nan), np.full(101, 0.02), np.zeros(101), np.ones((101, 1)),
     [2.0, -1.0] + [0.0] * 99],
)  # fmt: skip
def test_what_is_no_distribution(distribution):
    with pytest.raises(ConfigError, match=r"\(101,\) probabilities.*Received"):
        Prediction(distribution, AGE)


@pytest.fixture(scope="module")
def calibration():
    return Calibration.fit(*faces(300), AGE)


def test_a_calibration_makes_the_intervals_and_nothing_else(p, calibration):
    q = Prediction(gaussian(31.4, 5.0), AGE, calibration=calibration, name="a.jpg")
    assert q.calibrated and not p.calibrated and (q.value, q.std) == (p.value, p.std)
    for level in (0.1, 0.9, 0.999):
        assert q.interval(level) == calibration.interval(q.value, q.std, level)
    assert q.interval() != p.interval() and q.to_dict()["calibrated"] is True
    by_config = Prediction(gaussian(31.4, 5.0), AGE, calibration=calibration.get_config())
    assert by_config.interval() == q.interval()
    assert copy.deepcopy(q).interval() == pickle.loads(pickle.dumps(q)).interval() == q.interval()
    with pytest.raises(ConfigError, match="`level`"):
        q.interval(1)
    with pytest.raises(ConfigError, match="of the model's grid"):
        Prediction(np.full(41, 1 / 41), LabelGrid.scut_fbp(), calibration=calibration)


def test_warnings_are_kept_and_a_wide_distribution_adds_one(calibration):
    small = FaceWarning("small", "the face is small, 20 pixels")
    narrow = Prediction(gaussian(50, 2), AGE, calibration=calibration, warnings=[small])
    assert narrow.warnings == (small,) and str(small) == "small: the face is small, 20 pixels"
    wide = Prediction(gaussian(50, 20), AGE, calibration=calibration, warnings=[small])
    assert wide.std > calibration.usual_std
    assert [warning.code for warning in wide.warnings] == ["small", "unsure"]
    told = json.loads(json.dumps(wide.to_dict()))["warnings"]
    assert told[0] == {"code": "small", "text": "the face is small, 20 pixels"}
    # Without a calibration nobody has measured what is wide.
    assert Prediction(gaussian(50, 20), AGE).warnings == ()
    assert copy.copy(wide).warnings == wide.warnings


def test_a_plot_is_a_figure_a_file_and_what_a_notebook_shows(p, tmp_path):
    figure = p.plot(tmp_path / "new" / "plot.png", level=0.5)
    assert "50 % interval" in figure.axes[0].get_title()
    for content in ((tmp_path / "new" / "plot.png").read_bytes(), p._repr_png_()):
        width, height = Image.open(io.BytesIO(content)).size
        assert 2 * height == width >= 800
    with pytest.raises(ValueError, match="txt"):
        p.plot(tmp_path / "plot.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_save_draws_on_the_photo(p, tmp_path):
    photo = np.full((60, 80, 3), 200, np.uint8)
    with pytest.raises(ConfigError, match=r"image=photo\). Received: image=None for a.jpg"):
        p.save(tmp_path / "none.png")
    p.save(tmp_path / "given.png", image=photo)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    of_file = Prediction(p.distribution, AGE, box=p.box, name=str(tmp_path / "photo.png"))
    of_file.save(tmp_path / "file.png")
    one, other = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("given", "file"))
    assert one.shape == photo.shape and (one != photo).any() and (one == other).all()
    with pytest.raises(UnreadableImage):
        p.save(tmp_path / "bad.png", image=b"no picture")
    with pytest.raises(ValueError, match="txt"):
        p.save(tmp_path / "bad.txt", image=photo)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("name", ["a.xyz", "a", "a.txt"])
def test_files_that_are_no_pictures_are_refused_by_their_ending(p, tmp_path, name):
    photo = np.zeros((40, 40, 3), np.uint8)
    for write in (lambda path: p.save(path, image=photo), p.plot):
        with pytest.raises(ConfigError, match=rf"ends in .*\.png.*Received: .*{name}"):
            write(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [0, -1, 1.5, True])
def test_faces_are_numbered_from_one(number):
    with pytest.raises(ConfigError, match="`number`.*1 or more"):
        Prediction(gaussian(3, 1), AGE, number=number)
