"""What holds for every metric: streams, weights, forms of the arguments, configs, `compile`."""

import keras
import ml_dtypes
import numpy as np
import pytest
from scipy import stats

from keras_dldl import metrics
from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.losses import LabelDistributionLoss
from tests import reference
from tests.keras_case import check_config, check_training

AGE = LabelGrid.age()
TOLERANCE = {"float32": 1e-6, "float64": 1e-12}


def mae(y, y_hat, sigma, weight):
    return np.average(np.abs(y_hat - y), weights=weight)


def rmse(y, y_hat, sigma, weight):
    return np.sqrt(np.average((y_hat - y) ** 2, weights=weight))


def cs5(y, y_hat, sigma, weight):
    return 100 * np.average(np.abs(y_hat - y) <= 5, weights=weight)


def epsilon_error(y, y_hat, sigma, weight):
    rows = [reference.epsilon_error(*row) for row in zip(y, y_hat, sigma, strict=True)]
    return np.average(rows, weights=weight)


def pearson(y, y_hat, sigma, weight):
    return reference.weighted_pearson(y, y_hat, weight)


EXPECTED = {
    metrics.ExpectationMAE: mae,
    metrics.ExpectationRMSE: rmse,
    metrics.CumulativeScore: cs5,
    metrics.EpsilonError: epsilon_error,
    metrics.ExpectationPearson: pearson,
}
CLASSES = list(EXPECTED)


def data(rows=83, dtype="float64"):
    """Labels with sigma, logits that know something about them, weights with some of 0."""
    rng = np.random.default_rng(4)
    y = rng.uniform(0, 100, rows)
    sigma = rng.uniform(1, 6, rows)
    sigma[:10] = -1  # not given
    logits = -((AGE.labels64 - y[:, None] - rng.normal(scale=6, size=(rows, 1))) ** 2) / 50
    logits += rng.normal(size=logits.shape)
    weight = rng.integers(0, 4, rows).astype(float)
    y_true = np.stack([y, sigma], axis=1)
    return (values.astype(dtype) for values in (y_true, logits, weight))


def expected_of(cls, y_true, logits, weight):
    y, sigma = reference.split(y_true, 2.0)
    return EXPECTED[cls](y, reference.softmax(logits) @ AGE.labels64, sigma, weight)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("weighted", [False, True])
def test_uneven_batches_give_the_value_of_the_whole(cls, dtype, weighted):
    y_true, logits, weight = data(dtype=dtype)
    weight = weight if weighted else np.ones_like(weight)
    metric = cls(AGE, from_logits=True, dtype=dtype)
    start = 0
    for stop in (1, 2, 40, 43, 83):  # of 1, 1, 38, 3 and 40 rows
        rows = slice(start, stop)
        arguments = {"sample_weight": weight[rows]} if weighted else {}
        metric.update_state(y_true[rows], logits[rows], **arguments)
        start = stop
    expected = expected_of(cls, y_true, logits, weight)
    assert float(metric.result()) == pytest.approx(expected, rel=3 * TOLERANCE[dtype])


@pytest.mark.parametrize("cls", CLASSES)
def test_reset_forgets_everything(cls):
    y_true, logits, weight = data()
    metric = cls(AGE, from_logits=True, dtype="float64")
    first = float(metric(y_true[:30], logits[:30]))
    metric.update_state(y_true, logits, weight)
    assert float(metric.result()) != first
    metric.reset_state()
    assert float(metric.result()) == 0.0
    assert float(metric(y_true[:30], logits[:30])) == first


@pytest.mark.parametrize("cls", CLASSES)
def test_forms_of_the_arguments_agree(cls):
    y_true, logits, weight = data()
    q = reference.softmax(logits)
    values = q @ AGE.labels64
    expected = pytest.approx(expected_of(cls, y_true, logits, weight), rel=1e-12)
    for y_pred, from_logits in ((logits, True), (q, False), (values, False), (values, True)):
        metric = cls(AGE, from_logits=from_logits, dtype="float64")
        assert float(metric(y_true, y_pred, weight)) == expected
    assert float(cls(AGE, dtype="float64")(y_true, values[:, None], weight[:, None])) == expected

    y_true[:, 1] = -1
    expected = float(cls(AGE, dtype="float64")(y_true, values))
    for y in (y_true[:, 0], y_true[:, :1], y_true[:, 0].tolist()):
        assert float(cls(AGE, dtype="float64")(y, values)) == expected
    assert float(cls(AGE, dtype="float64")(y, values, 0.5)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("half", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_predictions_and_policy(cls, half):
    y_true, logits, weight = data()
    logits = logits.astype(half)
    expected = pytest.approx(expected_of(cls, y_true, logits.astype(float), weight), rel=1e-5)
    for dtype in (None, np.dtype(half).name):
        metric = cls(AGE, from_logits=True, dtype=dtype)
        assert float(metric(y_true, logits, weight)) == expected
        assert {v.dtype for v in metric.variables} == {"float32"}


@pytest.mark.parametrize("cls", CLASSES)
def test_nothing_seen_or_no_weight_is_zero(cls):
    metric = cls(AGE)
    assert float(metric.result()) == 0.0
    metric.update_state(np.zeros(0), np.zeros(0))
    metric.update_state(np.array([1.0, 2.0]), np.array([5.0, 9.0]), np.zeros(2))
    assert float(metric.result()) == 0.0


def test_long_streams_in_float32_do_not_drift():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("compiled by TensorFlow")
    import tensorflow as tf

    metric = metrics.ExpectationMAE(AGE)
    # Compiled, since a compiler that simplified (a + b) - a to b would undo the compensation.
    update = tf.function(metric.update_state, jit_compile=True)
    error = np.float32(2.1)
    naive = np.float32(0)
    for _ in range(1000):
        update(np.zeros(1, np.float32), np.full(1, error))
        naive += error
    assert float(metric.result()) == pytest.approx(float(error), rel=1e-7)
    assert abs(naive / 1000 - error) > 1e-5  # what a plain sum makes of it


@pytest.mark.parametrize("cls", CLASSES)
def test_config(cls):
    extra = {
        metrics.CumulativeScore: {"threshold": 0.3},
        metrics.EpsilonError: {"sigma": 0.7},
    }.get(cls, {})
    check_config(
        cls,
        grid=LabelGrid.scut_fbp().get_config(),
        from_logits=True,
        name="mine",
        dtype="float64",
        **extra,
    )


def test_inside_compile(tmp_path):
    all_metrics = [cls(AGE) for cls in CLASSES]
    assert [m.name for m in all_metrics] == ["mae", "rmse", "cs5", "epsilon_error", "pearson"]
    loss = LabelDistributionLoss(AGE)
    model, x, y, logs = check_training(AGE, tmp_path, loss, all_metrics)
    y_hat = model.predict(x, verbose=0).astype(float) @ AGE.labels64
    for cls, metric in zip(CLASSES, all_metrics, strict=True):
        expected = EXPECTED[cls](y.astype(float), y_hat, np.full(7, 2.0), np.ones(7))
        assert logs[metric.name] == pytest.approx(expected, rel=1e-4), metric.name
    assert logs["pearson"] == pytest.approx(stats.pearsonr(y, y_hat).statistic, rel=1e-4)


def test_keras_knows_which_way_is_better():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(101)])
    loss = LabelDistributionLoss(AGE, from_logits=True)
    model.compile(loss=loss, metrics=[cls(AGE) for cls in CLASSES], run_eagerly=True)
    model.train_on_batch(np.zeros((2, 1)), np.array([3.0, 4.0]))
    rising = {}
    for name in ("mae", "rmse", "epsilon_error", "cs5", "pearson"):
        stopping = keras.callbacks.EarlyStopping(monitor=f"val_{name}", mode="auto")
        stopping.set_model(model)
        stopping._set_monitor_op()
        rising[name] = bool(stopping._is_improvement(2.0, 1.0))
    assert [name for name, rises in rising.items() if rises] == ["cs5", "pearson"]


@pytest.mark.parametrize("cls", CLASSES)
def test_wrong_arguments_and_shapes(cls):
    with pytest.raises(ConfigError, match=r"`grid` is not valid.*Received: grid='age'"):
        cls("age")
    with pytest.raises(ConfigError, match=r"`from_logits` is not valid.*Received: from_logits=0"):
        cls(AGE, from_logits=0)
    with pytest.raises(ValueError, match=r"`y_pred` has the wrong shape.*\(B, 101\).*\(4, 41\)"):
        cls(AGE).update_state(np.zeros(4), np.zeros((4, 41)))
    with pytest.raises(ValueError, match=r"`y_true` has the wrong shape.*\(4, 3\)"):
        cls(AGE).update_state(np.zeros((4, 3)), np.zeros(4))


@pytest.mark.parametrize("make", CLASSES)
def test_a_mixture_counts_as_its_expectation_and_spread(make):
    y_true = np.array([[20.0, 3, 60, 4, 0.25], [30.0, 2, 40, 1, 0.5], [70.0, 5, 10, 5, 1.0]])
    y_hat = np.array([47.0, 41.0, 66.0])
    y = np.array([50.0, 35.0, 70.0])
    spread = np.sqrt([0.25 * (9 + 30**2) + 0.75 * (16 + 10**2), 0.5 * (4 + 25) + 0.5 * 26, 25])
    metric = make(AGE, dtype="float64")
    metric.update_state(y_true, y_hat)
    expected = EXPECTED[make](y, y_hat, spread, np.ones(3))
    assert float(metric.result()) == pytest.approx(expected, rel=1e-12)
