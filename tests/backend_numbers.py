"""What every back end must agree on, as numbers by name; run as a program it saves them.

`python -m tests.backend_numbers GIVEN.keras NUMBERS.npz MADE.keras` reads a model that another back
end wrote, saves the numbers, and writes a model of its own.
"""

import sys

import keras
import numpy as np

from keras_dldl import layers, metrics, ops
from keras_dldl.labels import LabelGrid
from keras_dldl.methods import METHODS, get_method
from keras_dldl.methods.metric import MethodMAE
from keras_dldl.models import build_model, load_model
from keras_dldl.runtime.networks import KerasNetwork
from tests.gradients import to_numpy, value_and_gradient

GRID = LabelGrid(0, 40, 2)
# Label and sigma; a label off the grid, one between two labels, and one without a sigma.
TARGETS = np.float32([[30.4, 3.0], [-2.0, 0.0], [11.0, -1.0], [40.0, 0.5]])
MIXTURES = np.float32([[30.4, 3.0, 4.0, -1.0, 0.7], [5.0, 0.0, 39.0, 1.0, 0.5]])


def waves(*shape):
    return np.sin(1.7 * np.arange(np.prod(shape))).reshape(shape).astype(np.float32)


def of_ops():
    labels = GRID.labels
    p = ops.label_distribution(TARGETS[:, 0], np.abs(TARGETS[:, 1]), labels)
    ranking = ops.distribution_to_ranking(p)
    q = ops.softmax32(3 * waves(4, GRID.size))
    yield "distribution", p
    yield "ranking", ranking
    yield "back", ops.ranking_to_distribution(ranking)
    yield "kl", ops.kl_divergence(p, q)
    yield "expectation", ops.expectation(q, labels)
    yield "variance", ops.variance(q, labels)
    yield "median", ops.median(q, labels)


def of_methods():
    for name in METHODS:
        method = get_method(name)
        features = keras.Input((6,))
        head = keras.Model(features, method.head(features, GRID))
        for variable in head.trainable_variables:
            variable.assign(waves(*variable.shape))
        raw = to_numpy(head(waves(4, 6)))
        loss, metric = method.loss(GRID), MethodMAE(method, GRID)
        for kind, targets in (("", TARGETS), ("mixed ", MIXTURES)):
            given = raw[: len(targets)]
            value, gradient = value_and_gradient(lambda x, y=targets: loss(y, x), given)  # noqa: B023
            yield f"{kind}loss of {name}", value
            yield f"{kind}gradient of {name}", gradient
            metric.update_state(targets, given)
        yield f"mae of {name}", metric.result()
        yield f"distribution of {name}", method.distribution(raw, GRID)


def of_metrics_and_layers():
    q = to_numpy(ops.softmax32(2 * waves(4, GRID.size)))
    for name in ("ExpectationMAE", "ExpectationRMSE", "ExpectationPearson", "CumulativeScore"):
        metric = getattr(metrics, name)(GRID)
        for part in (slice(0, 3), slice(3, 4)):
            metric.update_state(TARGETS[part], q[part], np.float32([1, 2, 0.5])[part])
        yield name, metric.result()
    metric = metrics.EpsilonError(GRID)
    metric.update_state(np.abs(TARGETS), q)
    yield "EpsilonError", metric.result()
    yield "layer Expectation", layers.Expectation(GRID)(q)


def values_of(model):
    """Return (4, 2): the values in years of images and of their mirror images."""
    images = np.random.default_rng(5).uniform(0, 255, (4, model.input_size, model.input_size, 3))
    views = KerasNetwork(model).views(images.astype(np.float32))
    return np.stack([model.grid.decode(view.astype(np.float64)) for view in views], axis=1)


def make_model():
    """Return a small real model whose weights and batch statistics have been trained a step."""
    keras.utils.set_random_seed(4)
    model = build_model("tiny-age-net", LabelGrid.age(), input_size=32)
    for variable in model.variables:
        if "moving_variance" in variable.path:
            variable.assign(1 + 0.5 * waves(*variable.shape) ** 2)
        elif "moving_mean" in variable.path or "gamma" in variable.path:
            variable.assign(to_numpy(variable) + 0.1 * waves(*variable.shape))
    return model


def numbers():
    """Return the numbers of this back end, float32 arrays by name."""
    found = [*of_ops(), *of_methods(), *of_metrics_and_layers()]
    return {name: np.asarray(to_numpy(value), np.float32) for name, value in found}


def main(given, target, made):
    model = make_model()
    model.save(made)
    own = {"values": values_of(model), "values of the model given": values_of(load_model(given))}
    np.savez(target, **numbers(), **own)


if __name__ == "__main__":
    main(*sys.argv[1:])
