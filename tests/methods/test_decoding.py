"""From raw outputs to distributions and values, checked by hand, by loops and in both twins."""

import numpy as np
import pytest
from scipy.special import expit

from keras_dldl import Prediction, ops
from keras_dldl.errors import ConfigError
from keras_dldl.evaluation.decoding import decode
from keras_dldl.labels import LabelGrid
from keras_dldl.methods import METHODS, get_method
from keras_dldl.methods.metric import MethodMAE
from tests import reference
from tests.keras_case import check_config
from tests.methods.test_losses import width

AGE, RATING, FIVE = LabelGrid.age(), LabelGrid.scut_fbp(), LabelGrid(10, 14)
RANKING = ("ranking-bce", "ranking-l2", "or-cnn", "coral")


def distribution(name, raw, grid):
    return np.asarray(get_method(name).distribution(np.asarray(raw), grid))


def value(name, raw, grid):
    p = distribution(name, raw, grid)
    return np.asarray(ops.decode(p, grid.labels64, get_method(name).decoder))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("scale", [0, 1, 1e4])
@pytest.mark.parametrize("grid", [AGE, RATING])
def test_every_method_gives_distributions(name, scale, grid):
    raw = np.random.default_rng(0).normal(scale=1, size=(6, width(name, grid))) * scale
    p = distribution(name, raw.astype(np.float32), grid)
    assert p.shape == (6, grid.size) and p.dtype == np.float32
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)


def test_softmax_methods_by_hand():
    raw = np.log([[1.0, 2.0, 4.0, 2.0, 1.0]])
    np.testing.assert_allclose(distribution("dldl", raw, FIVE)[0], np.array([1, 2, 4, 2, 1]) / 10)
    assert value("dldl", raw, FIVE)[0] == pytest.approx(12)


def test_ranking_by_hand():
    # Older than 10? 0.9; than 11? 0.6; than 12? 0.5; than 13? 0.2.
    r = np.array([[0.9, 0.6, 0.5, 0.2]])
    raw = np.log(r / (1 - r))
    np.testing.assert_allclose(distribution("ranking-bce", raw, FIVE)[0], [0.1, 0.3, 0.1, 0.3, 0.2])
    assert value("ranking-bce", raw, FIVE)[0] == 13  # three answers of at least one half


@pytest.mark.parametrize("name", RANKING)
def test_ranking_decodes_by_counting_though_its_answers_rise_and_fall(name):
    rng = np.random.default_rng(1)
    raw = rng.normal(scale=3, size=(200, 100))
    raw[0], raw[1], raw[2] = 9, -9, 0
    count = (expit(raw) >= 0.5).sum(axis=1)
    np.testing.assert_array_equal(value(name, raw, AGE), AGE.labels64[count])
    np.testing.assert_array_equal(value(name, raw.astype(np.float32), AGE), AGE.labels64[count])
    assert count[:3].tolist() == [100, 0, 100]


@pytest.mark.parametrize("grid", [AGE, RATING])
def test_metric_regression_decodes_to_its_value(grid):
    wanted = np.append(np.random.default_rng(2).uniform(grid.start, grid.stop, 50), grid.labels64)
    raw = (2 * (wanted - grid.start) / (grid.stop - grid.start) - 1)[:, None]
    np.testing.assert_allclose(value("mr-l1", raw, grid), wanted, rtol=1e-9)
    found = value("mr-l2", raw.astype(np.float32), grid)
    np.testing.assert_allclose(found, wanted, atol=1e-5 * grid.stop)
    p = distribution("mr-l1", raw, grid)
    assert ((p > 0).sum(axis=1) <= 2).all()


def slow_median(p, labels):
    count = 0
    for k in range(len(labels) - 1):
        count += sum(p[k + 1 :]) >= 0.5
    return labels[count]


@pytest.mark.parametrize("grid", [AGE, RATING])
def test_median_against_a_slow_loop_in_both_twins(grid):
    rng = np.random.default_rng(3)
    p = reference.softmax(rng.normal(scale=2, size=(40, grid.size)))
    expected = [slow_median(row, grid.labels64) for row in p]
    np.testing.assert_array_equal(grid.decode(p, "median"), expected)
    np.testing.assert_array_equal(np.asarray(ops.median(p, grid.labels64)), expected)
    single = np.asarray(ops.median(p.astype(np.float32), grid.labels))
    np.testing.assert_allclose(single, expected, rtol=1e-6)
    assert grid.decode(p[0], "median") == expected[0]


def test_twins_agree_on_the_expectation():
    p = reference.softmax(np.random.default_rng(4).normal(size=(9, 101)))
    found = np.asarray(ops.decode(p, AGE.labels64, "expectation"))
    np.testing.assert_allclose(AGE.decode(p), found, rtol=1e-12)


@pytest.mark.parametrize("noise", [-3e-7, 0.0, 3e-7])
def test_two_views_that_disagree_have_one_median(noise):
    # Half of the mass each at 30 and 32: rounding must not decide which.
    p = np.zeros((1, 101), np.float32)
    p[0, 30], p[0, 32] = 0.5 - noise, 0.5 + noise
    assert AGE.decode(p, "median")[0] == 32
    assert float(ops.median(p, AGE.labels64)[0]) == 32


def test_prediction_and_evaluation_decode_alike():
    p = reference.softmax(np.random.default_rng(5).normal(scale=3, size=(8, 101)))
    for decoder in ("expectation", "median"):
        values, stds = decode(p, AGE, decoder)
        for row, expected, std in zip(p, values, stds, strict=True):
            prediction = Prediction(row, AGE, decoder=decoder)
            assert prediction.value == pytest.approx(expected, rel=1e-12)
            # The spread is that of the distribution, about its mean, whatever the value.
            assert prediction.std == pytest.approx(std, rel=1e-5)
    assert Prediction(p[0], AGE, decoder="median").value == slow_median(p[0], AGE.labels64)


def test_a_median_prediction_survives_a_copy():
    import copy

    p = Prediction([0.2, 0.2, 0.6], LabelGrid(0, 2), decoder="median")
    assert (copy.copy(p).value, copy.copy(p).decoder, repr(p)[:15]) == (
        2,
        "median",
        "Prediction(2.0 ",
    )


def test_unknown_decoder():
    with pytest.raises(ConfigError, match="one of 'expectation', 'median'. Received: decoder='x'"):
        Prediction([0.5, 0.5], LabelGrid(0, 1), decoder="x")


@pytest.mark.parametrize("name", METHODS)
def test_the_metric_of_training_is_the_error_of_the_decoded_value(name):
    rng = np.random.default_rng(6)
    raw = rng.normal(size=(10, width(name, AGE))).astype(np.float32)
    raw = np.tanh(raw) if name.startswith("mr-") else raw
    y = rng.uniform(0, 100, 10).astype(np.float32)
    metric = MethodMAE(name, AGE)
    metric.update_state(np.stack([y, np.full(10, -1, np.float32)], axis=1)[:7], raw[:7])
    metric.update_state(y[7:], raw[7:])
    p = distribution(name, raw.astype(float), AGE)
    expected = np.abs(AGE.decode(p, get_method(name).decoder) - y).mean()
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    assert metric.name == "mae"
    of_probabilities = MethodMAE(name, AGE, from_logits=False)
    of_probabilities.update_state(y, p.astype(np.float32))
    assert float(of_probabilities.result()) == pytest.approx(expected, rel=1e-5)


def test_config_of_the_metric():
    config = {"name": "sord", "options": {"distance": "squared", "scale": 2.0}}
    check_config(
        MethodMAE,
        method=config,
        grid=RATING.get_config(),
        from_logits=False,
        name="error",
        dtype="float64",
    )
