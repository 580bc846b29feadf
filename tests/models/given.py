"""Models as after some training."""

import numpy as np


def shaken(model, seed=0):
    """Give every weight a value of its own, the statistics among them."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        is_kernel = len(weight.shape) > 1
        change = (
            rng.normal(0, 0.02, weight.shape) if is_kernel else rng.uniform(0, 0.1, weight.shape)
        )
        weight.assign(weight + change)
    return model
