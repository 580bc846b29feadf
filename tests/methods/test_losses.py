"""Loss and gradient of every method against its formula in float64 NumPy, written out by hand."""

import numpy as np
import pytest
from scipy.special import expit, logsumexp

from keras_dldl.labels import LabelGrid
from keras_dldl.methods import METHODS, get_method
from tests import reference
from tests.losses.loss_case import numeric_gradient, value_and_gradient

GRIDS = {"age": LabelGrid.age(), "rating": LabelGrid.scut_fbp()}
ROWS = 5


def moments(q, labels):
    mean = q @ labels
    return mean, q @ labels**2 - mean**2


def cross_entropy(y, raw, labels):
    log_q = raw - logsumexp(raw, axis=1, keepdims=True)
    return np.array([-row[reference.nearest(v, labels)] for v, row in zip(y, log_q, strict=True)])


def code(y, labels):
    return np.array([[float(v > label) for label in labels[:-1]] for v in y])


def scaled_error(y, raw, labels):
    return raw[:, 0] - ((y - labels[0]) / (labels[-1] - labels[0]) * 2 - 1)


def dldl(y, raw, labels):
    return reference.kl(reference.label_distribution(y, 2.0, labels), reference.softmax(raw))


def er(y, raw, labels):
    return np.abs(reference.softmax(raw) @ labels - y)


def mean_variance(y, raw, labels):
    mean, variance = moments(reference.softmax(raw), labels)
    return cross_entropy(y, raw, labels) + 0.2 * (mean - y) ** 2 / 2 + 0.05 * variance


def sord(y, raw, labels):
    similar = np.exp(-np.abs(labels - y[:, None]) / (labels[1] - labels[0]))
    target = similar / similar.sum(axis=1, keepdims=True)
    return reference.kl(target, reference.softmax(raw))


def unimodal_concentrated(y, raw, labels):
    q = reference.softmax(raw)
    mean, variance = moments(q, labels)
    penalty = np.zeros(len(y))
    for i, value in enumerate(y):
        mode = reference.nearest(value, labels)
        for k in range(len(labels) - 1):
            rise = q[i, k + 1] - q[i, k]
            penalty[i] += max(0, rise if k >= mode else -rise)
    return np.log(variance) / 2 + (mean - y) ** 2 / (2 * variance) + 1000 * penalty


def ranking_bce(y, raw, labels):
    r, q = code(y, labels), expit(raw)
    return -(r * np.log(q) + (1 - r) * np.log(1 - q)).sum(axis=1)


def ranking_l2(y, raw, labels):
    return ((expit(raw) - code(y, labels)) ** 2).sum(axis=1)


FORMULAS = {
    "dldl-v2": lambda *x: dldl(*x) + er(*x),
    "dldl": dldl,
    "er": er,
    "dex": lambda y, raw, labels: cross_entropy(y, raw, labels),
    "mean-variance": mean_variance,
    "sord": sord,
    "unimodal-concentrated": unimodal_concentrated,
    "ranking-bce": ranking_bce,
    "ranking-l2": ranking_l2,
    "or-cnn": ranking_bce,
    "coral": ranking_bce,
    "mr-l1": lambda *x: np.abs(scaled_error(*x)),
    "mr-l2": lambda *x: scaled_error(*x) ** 2,
}


def batch(name, grid):
    """Return labels off and on the grid, and raw outputs of the method's width."""
    rng = np.random.default_rng(sorted(FORMULAS).index(name))
    y = rng.uniform(grid.start, grid.stop, ROWS)
    y[:2] = grid.labels64[[0, 17]]
    raw = rng.normal(scale=1.5, size=(ROWS, width(name, grid)))
    return y, np.tanh(raw) if name.startswith("mr-") else raw


def width(name, grid):
    if name.startswith("mr-"):
        return 1
    return grid.size - 1 if name in ("ranking-bce", "ranking-l2", "or-cnn", "coral") else grid.size


def test_every_method_has_a_formula_here():
    assert sorted(FORMULAS) == sorted(METHODS)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", METHODS)
def test_loss_and_gradient_in_float64(name, grid):
    grid = GRIDS[grid]
    y, raw = batch(name, grid)
    loss = get_method(name).loss(grid)
    rows, gradient = value_and_gradient(loss, y, raw)
    labels = grid.labels64
    np.testing.assert_allclose(rows, FORMULAS[name](y, raw, labels), rtol=1e-9)
    expected = numeric_gradient(lambda x: FORMULAS[name](y, x, labels), raw)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8 * scale)


@pytest.mark.parametrize("name", METHODS)
def test_loss_and_gradient_in_float32(name):
    # Good to 1e-6 but for sums over labels up to 100 that nearly cancel: the mean less the label.
    grid = GRIDS["age"]
    y, raw = (x.astype(np.float32) for x in batch(name, grid))
    exact_y, exact_raw = y.astype(float), raw.astype(float)
    rows, gradient = value_and_gradient(get_method(name).loss(grid), y, raw)
    _, exact = value_and_gradient(get_method(name).loss(grid), exact_y, exact_raw)
    expected = FORMULAS[name](exact_y, exact_raw, grid.labels64)
    np.testing.assert_allclose(rows, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient, exact, rtol=1e-4, atol=2e-6 * np.abs(exact).max())


@pytest.mark.parametrize(
    ("name", "options", "formula"),
    [
        ("er", {"norm": "l2"}, lambda *x: er(*x) ** 2),
        ("dldl-v2", {"expectation_weight": 0.3}, lambda *x: dldl(*x) + 0.3 * er(*x)),
        ("dldl", {"kl_reduction": "mean"}, lambda *x: dldl(*x) / 101),
        ("mean-variance", {"mean_weight": 0, "variance_weight": 0}, cross_entropy),
        ("sord", {"distance": "squared", "scale": 0.125}, dldl),
    ],
)
def test_options_reach_the_loss(name, options, formula):
    grid = GRIDS["age"]
    y, raw = batch(name, grid)
    rows, _ = value_and_gradient(get_method(name, **options).loss(grid), y, raw)
    np.testing.assert_allclose(rows, formula(y, raw, grid.labels64), rtol=1e-9)
