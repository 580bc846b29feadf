"""Calibrated intervals: by slow loops, by hand, and by counting faces."""

import json
import math

import numpy as np
import pytest

from keras_dldl.calibration import Calibration, as_calibration
from keras_dldl.calibration.quantiles import LEVELS, at_level, knots_of
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.labels import LabelGrid
from tests.calibration.given import AGE, faces, held

FINE = np.linspace(0, 100, 100_001)


@pytest.fixture(scope="module")
def fitted():
    return Calibration.fit(*faces(1500), AGE)


def slow_interval(calibration, value, std, level):
    """The convex hull of all labels of a fine grid that are in the prediction set."""
    knots = knots_of(calibration.grid)
    lower = np.interp(FINE, knots, at_level(np.array(calibration.lower), level))
    upper = np.interp(FINE, knots, at_level(np.array(calibration.upper), level))
    z = (FINE - value) / (std + calibration.offset)
    held = [
        y for y, one, low, high in zip(FINE, z, lower, upper, strict=True) if low <= one <= high
    ]
    return min([value, *held]), max([value, *held])


@pytest.mark.parametrize("level", [0.03, 0.5, 0.9, 0.995])
def test_the_interval_is_the_hull_of_the_prediction_set(fitted, level):
    for value, std in [(0.0, 1.0), (23.7, 4.0), (61.2, 9.0), (100.0, 2.0), (50.0, 0.0)]:
        expected = slow_interval(fitted, value, std, level)
        assert fitted.interval(value, std, level) == pytest.approx(expected, abs=2e-3)


def test_a_set_by_hand_and_a_value_outside_of_it():
    # Five labels 0 ... 4. Upper quantiles are 1, lower ones -1 but -3 at label 4; offset 1, std 1:
    # scale 2. Of value 1 the set is y - 1 <= 2 and y - 1 >= -2: up to 3, down to 0, cut at 0.
    grid = LabelGrid(0, 4)
    lower, upper = -np.ones((5, len(LEVELS))), np.ones((5, len(LEVELS)))
    lower[4] = -3
    calibration = Calibration(grid, lower, upper, offset=1.0, usual_std=9.0, faces=200)
    assert calibration.interval(1.0, 1.0, 0.9) == pytest.approx((0, 3))
    # Of value 4 and scale 1.5: y >= 4 - 1.5 = 2.5 up to label 3; between 3 and 4 all are in it.
    assert calibration.interval(4.0, 0.5, 0.9) == pytest.approx((2.5, 4))
    two = np.full((5, len(LEVELS)), 2.0)
    calibration = Calibration(grid, two, two + 0.5, offset=1.0, usual_std=1.0, faces=200)
    assert calibration.interval(1.0, 0.0, 0.5) == pytest.approx((1, 3.5))  # the set: 3 ... 3.5
    assert calibration.interval(4.0, 0.0, 0.5) == (4, 4)  # the set is empty


def test_intervals_are_nested_hold_the_value_and_end_with_the_grid(fitted):
    value, std, _ = faces(300, seed=5)
    levels = [1e-6, 0.1, 0.5, 0.77, 0.949, 0.95, 0.951, 0.99, 0.9999, 1 - 1e-12, 1 - 2e-16]
    last = np.stack([value, value], axis=1)
    for level in levels:
        ends = fitted.intervals(value, std, level)
        assert (ends[:, 0] <= last[:, 0] + 1e-9).all() and (ends[:, 1] >= last[:, 1] - 1e-9).all()
        assert (ends >= 0).all() and (ends <= 100).all()
        last = ends


@pytest.mark.parametrize("grid", [AGE, LabelGrid.scut_fbp(), LabelGrid(0, 100, 0.5)], ids=str)
@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_intervals_hold_their_share_of_new_faces_at_every_label(grid, level):
    calibration = Calibration.fit(*faces(4000, seed=1, grid=grid), grid)
    value, std, label = faces(40_000, seed=2, grid=grid)
    inside = held(label, calibration.intervals(value, std, level))
    assert level - 0.015 < inside.mean() < level + 0.035
    place = (label - grid.start) / (grid.stop - grid.start)
    for tenth in range(8):  # beyond, under 100 faces were fitted
        among = (place >= tenth / 10) & (place < (tenth + 1) / 10)
        # Of 250 faces or fewer in a window a quantile is itself uncertain by some points.
        assert level - 0.05 < inside[among].mean() < level + 0.08, tenth


@pytest.mark.parametrize("count", [300, 3000])
@pytest.mark.parametrize(
    ("grid", "step"),
    [
        *((AGE, step) for step in (1, 5, 7, 10, 20)),
        *((LabelGrid.scut_fbp(), step) for step in (0.25, 0.5, 1)),
    ],
    ids=str,
)
def test_coarse_labels_are_held_like_fine_ones(grid, step, count):
    """Labels to the nearest `step`: coverage overall, at every common label, and the width."""
    size = (grid.stop - grid.start) / 30

    def rounded(number, seed):
        random = np.random.default_rng([seed, number])
        true = random.uniform(grid.start, grid.stop, number)
        label = np.clip(np.round(true / step) * step, grid.start, grid.stop)
        return true + random.normal(0, size, number), np.full(number, size), label

    inside, widths = [], []
    value, std, label = rounded(20_000, 99)
    for seed in range(5):
        ends = Calibration.fit(*rounded(count, seed), grid).intervals(value, std, 0.9)
        inside.append(held(label, ends))
        widths.append(np.diff(ends, axis=1).ravel())
    inside = np.mean(inside, axis=0)
    middle = np.abs(value - 0.5 * (grid.start + grid.stop)) < 2 * size
    assert 0.885 < inside.mean() < 0.945
    for one in np.unique(label):
        if np.mean(label == one) > 0.03:
            assert 0.86 < inside[label == one].mean() <= 1, one
    # The error is normal and the rounding uniform: 1.645 standard deviations of both to each side,
    # and up to a step to the next label.
    reach = 1.645 * math.hypot(size, step / math.sqrt(12))
    assert 0.9 * reach < np.mean(widths, axis=0)[middle].mean() / 2 < 1.25 * reach + step / 4


def test_along_the_values_intervals_of_coarse_labels_have_no_breaks():
    random = np.random.default_rng(0)
    true = random.uniform(0, 100, 4000)
    label = np.round(true / 10) * 10
    fitted = Calibration.fit(true + random.normal(0, 3, 4000), np.full(4000, 3.0), label, AGE)
    ends = fitted.intervals(np.linspace(0, 100, 1001), np.full(1001, 3.0), 0.9)
    assert np.abs(np.diff(ends, axis=0)).max() < 2  # a tenth of a year more, two at most


@pytest.mark.parametrize("count", [200, 261])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_the_guarantee_of_exchangeable_faces(count, level):
    """Few faces, many times over: the mean coverage is not below the level, whatever the number.

    Residuals do not depend on labels, so that faces are exchangeable and conformal prediction holds
    exactly: of n faces and one more, each rank is as likely.
    """
    covered = []
    for seed in range(40):
        random = np.random.default_rng([seed, count])
        label = random.integers(0, 101, count + 400).astype(float)
        # Far from the ends of the grid, at which intervals are cut: the grid is wider than labels.
        grid = LabelGrid(-50, 150)
        value, std = label - random.normal(0, 3, label.size), np.full(label.size, 3.0)
        fitted = Calibration.fit(value[:count], std[:count], label[:count], grid)
        ends = fitted.intervals(value[count:], std[count:], level)
        covered.append(held(label[count:], ends).mean())
    error = np.std(covered) / math.sqrt(len(covered))
    assert np.mean(covered) > level - 2 * error
    assert np.mean(covered) < level + 0.05


@pytest.mark.parametrize("count", [30, 50, 199])
@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_few_faces_give_one_width_that_holds_its_share(count, level):
    """Whatever the errors: faces that are pulled to the middle, with spreads of all sizes."""
    covered = []
    for seed in range(100):
        value, std, label = faces(count + 1000, seed=seed)
        fitted = Calibration.fit(value[:count], std[:count], label[:count], AGE)
        ends = fitted.intervals(value[count:], std[count:], level)
        covered.append(held(label[count:], ends).mean())
    error = np.std(covered) / math.sqrt(len(covered))
    assert level - 2 * error < np.mean(covered) < level + 1 / count + 2 * error


def test_one_width_by_hand():
    # Errors of 1 ... 39 years: of 40 ranks 90 % are 36, so the width is 36 to either side.
    error = np.arange(1.0, 40) * np.where(np.arange(39) % 2, 1, -1)
    label = 30 + np.arange(39.0)
    fitted = Calibration.fit(label - error, np.zeros(39), label, LabelGrid(-50, 150))
    for value in (40.0, 60.0):
        ends = fitted.interval(value, 0.0, 0.9)
        assert ends == pytest.approx((value - 36, value + 36), abs=2e-3)
    low, high = fitted.interval(60.0, 10.0, 0.9)  # offset 10, half the median: twice as wide
    assert (60 - low, high - 60) == pytest.approx((72, 72), abs=2e-3)


def test_from_200_faces_on_intervals_are_by_label():
    value, std, label = faces(200)
    few = Calibration.fit(value[1:], std[1:], label[1:], AGE)
    assert len(set(few.upper)) == 1 and few.lower[0] == tuple(-end for end in few.upper[0])
    assert len(set(Calibration.fit(value, std, label, AGE).upper)) > 20


def test_a_faithful_normal_spread_gives_the_normals_intervals():
    random = np.random.default_rng(0)
    label = random.integers(0, 101, 60_000).astype(float)
    std = random.uniform(2, 6, label.size)
    value = label + (std + 1.0) * random.normal(size=label.size)
    fitted = Calibration.fit(value, std, label, AGE)
    # offset is half the median error, so scales are not quite the true ones; near std 4 they are.
    for level, reach in ((0.5, 0.674), (0.9, 1.645), (0.95, 1.960), (0.99, 2.576)):
        low, high = fitted.interval(50.0, 4.0, level)
        assert (50 - low, high - 50) == pytest.approx((reach * 5, reach * 5), rel=0.08)


def test_the_same_config_through_json_gives_the_same_intervals(fitted):
    text = json.dumps(fitted.get_config())
    again = Calibration.from_config(json.loads(text))
    assert again == fitted and len(text) < 10_000 and hash(again) == hash(fitted)
    assert again.interval(31.0, 5.0, 0.87) == fitted.interval(31.0, 5.0, 0.87)
    assert set(fitted.get_config()) == set(Calibration.__dataclass_fields__)
    assert repr(fitted).endswith("1500 faces)") and len(repr(fitted)) < 120


def test_offset_and_usual_std_are_measured():
    value, std, label = faces(1000)
    fitted = Calibration.fit(value, std, label, AGE)
    assert fitted.offset == pytest.approx(np.median(np.abs(label - value)) / 2)
    assert np.mean(std <= fitted.usual_std) == pytest.approx(0.99)
    exact = Calibration.fit(label, std * 0, label, AGE)  # a model without error
    assert exact.offset == 0.1 and exact.interval(50, 0, 0.9) == pytest.approx((50, 50), abs=1e-3)


def test_beyond_the_labels_seen_the_last_ones_count():
    value, std, label = faces(2000)
    keep = (label > 20) & (label < 60)
    fitted = Calibration.fit(value[keep], std[keep], label[keep], AGE)
    assert fitted.lower[0] == fitted.lower[5] and fitted.upper[-1] == fitted.upper[35]
    low, high = fitted.interval(40.0, 5.0, 0.9)
    assert 20 < low < 40 < high < 70


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v, s, y: (v[:29], s[:29], y[:29]), "30 labelled faces.*--val.*Received: 29 faces"),
        (lambda v, s, y: (v, s, y[:-1]), r"one length. Received: shapes \(300,\)"),
        (lambda v, s, y: (v, s, y[:, None]), "one length"),
        (lambda v, s, y: (v * np.nan, s, y), "`value` must hold finite numbers. Received: 300"),
        (lambda v, s, y: (v, s, y + 101), "on the grid, 0 ... 100 years. Received: 300"),
        (lambda v, s, y: (v, s, y * 0 + 7), "must differ.* Received: 300 faces of label 7"),
        (lambda v, s, y: (v[:0], s[:0], y[:0]), "Received: 0 faces"),
    ],
)
def test_faces_that_cannot_be_fitted(change, message):
    with pytest.raises(DataError, match=message):
        Calibration.fit(*change(*faces(300)), AGE)


def test_configs_that_are_none(fitted):
    config = fitted.get_config()
    for name, value, message in [
        ("lower", config["lower"][1:], r"`lower` is not valid. It must be \(51, 9\)"),
        ("upper", [["x"]], "`upper` is not valid"),
        ("offset", 0, "`offset`"),
        ("usual_std", -1, "`usual_std`"),
        ("faces", "many", "`faces`"),
        ("grid", "age", "`grid`"),
    ]:
        with pytest.raises(ConfigError, match=message):
            Calibration.from_config({**config, name: value})
    for wrong in ({"grid": config["grid"]}, {**config, "more": 1}):
        with pytest.raises(ConfigError, match="get_config.*Received"):
            Calibration.from_config(wrong)


def test_as_calibration(fitted):
    assert as_calibration(None, AGE) is None and as_calibration(fitted, AGE) is fitted
    assert as_calibration(fitted.get_config(), AGE) == fitted
    with pytest.raises(ConfigError, match="of the model's grid, .*Received: LabelGrid"):
        as_calibration(fitted, LabelGrid.scut_fbp())
    with pytest.raises(ConfigError, match="Received: calibration='yes'"):
        as_calibration("yes", AGE)
