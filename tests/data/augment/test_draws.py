"""Draws: their ranges and distributions, and that a seed gives the same ones."""

import math

import numpy as np
import pytest
from scipy import stats

from keras_dldl.data.augment import Augmentation
from keras_dldl.data.augment.draws import draw_on_host
from tests.data.augment.given import NEUTRAL

COUNT = 4000


def by_tensorflow(strengths, seed):
    tensorflow_ops = pytest.importorskip("keras_dldl.data.augment.tensorflow_ops")
    made = tensorflow_ops.draw_batch(strengths, COUNT, [5, seed])
    return {name: value.numpy() for name, value in made.items()}


def by_numpy(strengths, seed):
    return draw_on_host(strengths, COUNT, np.random.default_rng(seed))


@pytest.fixture(params=[by_tensorflow, by_numpy])
def drawn(request):
    return lambda seed=9, **strengths: request.param(Augmentation(**strengths), seed)


def test_a_seed_gives_its_draws(drawn):
    first, again, other = drawn(), drawn(), drawn(10)
    assert set(first) == set(NEUTRAL)
    for name, value in first.items():
        assert value.shape == (COUNT,) and value.dtype == np.float32
        np.testing.assert_array_equal(value, again[name])
    assert (first["angle"] != other["angle"]).all()
    assert (first["mixup"] == 1).all()  # it is off


def test_draws_are_even_within_their_ranges(drawn):
    made = drawn(zoom=0.2, shift=0.1, shear=4)
    widths = {
        "angle": math.radians(15), "shear": math.radians(4), "zoom": 0.2, "dx": 0.1, "dy": 0.1,
        "brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "crop_x": 0.5, "erase_y": 0.5,
    }  # fmt: skip
    for name, width in widths.items():
        deviation = made[name] - NEUTRAL[name]
        assert np.abs(deviation).max() <= width + 1e-6
        assert deviation.std() == pytest.approx(width / math.sqrt(3), rel=0.05)
    assert made["resolution"].min() >= 0.5
    assert made["resolution"].mean() == pytest.approx(0.75, abs=0.01)
    assert made["mirrored"].mean() == pytest.approx(0.5, abs=0.03)
    assert (made["crop"] == 1).all() and (made["erased"] == 0).all()


def test_draws_do_not_depend_on_each_other(drawn):
    made = drawn(zoom=0.2, shift=0.1, shear=4, crop=0.5, erase=0.5)
    table = np.stack([value for value in made.values() if value.std() > 0])
    # A rectangle's height and width share its area and its shape.
    names = [name for name, value in made.items() if value.std() > 0]
    both = [names.index("erase_height"), names.index("erase_width")]
    related = np.corrcoef(table) - np.eye(len(table))
    related[np.ix_(both, both)] = 0
    assert np.abs(related).max() < 0.08  # 5 standard errors


def test_erased_rectangles_are_of_the_areas_and_shapes_of_the_paper(drawn):
    made = drawn(erase=0.3, erase_area=0.4)
    assert made["erased"].mean() == pytest.approx(0.3, abs=0.03)
    height, width = made["erase_height"], made["erase_width"]
    whole = (height < 1) & (width < 1)
    area = (height * width)[whole]
    assert whole.mean() > 0.95 and area.min() >= 0.02 - 1e-6 and area.max() <= 0.4 + 1e-6
    assert area.mean() == pytest.approx(0.21, rel=0.05)
    ratio = (height / width)[whole]
    assert ratio.min() >= 0.3 - 1e-6 and ratio.max() <= 1 / 0.3 + 1e-5
    assert (ratio > 1).mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0, 5.0])
def test_mixup_weights_are_of_the_beta_distribution(drawn, alpha):
    weights = drawn(mixup=alpha)["mixup"]
    assert 0.5 <= weights.min() and weights.max() <= 1
    # Close to 1 float32 has too few numbers for a small alpha.
    below = weights[weights < 0.999].astype(np.float64)
    beta = stats.beta(alpha, alpha)
    likely = beta.cdf(0.999) - 0.5
    assert len(below) / COUNT == pytest.approx(2 * likely, abs=0.03)
    assert stats.kstest(below, lambda x: (beta.cdf(x) - 0.5) / likely).pvalue > 0.001
