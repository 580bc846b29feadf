"""Faces for tests of calibration: labels, and a model that errs as real ones do."""

import numpy as np

from keras_dldl.labels import LabelGrid

AGE = LabelGrid.age()


def faces(count, seed=0, grid=AGE, pull=0.1):
    """Return value, std and label: values pulled to the middle, errors that the std scales."""
    random = np.random.default_rng(seed)
    share = random.beta(1.2, 2.5, count)  # few labels near the end, as in data sets
    label = grid.labels64[grid.nearest_index(grid.start + share * (grid.stop - grid.start))]
    size = (grid.stop - grid.start) / 20
    std = size * random.uniform(0.5, 1.5, count)
    middle = grid.start + 0.35 * (grid.stop - grid.start)
    value = label + pull * (middle - label) + std * random.standard_t(5, count)
    return np.clip(value, grid.start, grid.stop), std, label


def held(label, ends):
    """Whether each of (N, 2) intervals holds its label, (N,)."""
    return (label >= ends[:, 0] - 1e-9) & (label <= ends[:, 1] + 1e-9)
