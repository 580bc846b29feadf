"""Methods on another Keras back end: the same losses, distributions and values."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest

CODE = """
import keras
import numpy as np
from keras_dldl.labels import LabelGrid
from keras_dldl.methods import METHODS, get_method
from keras_dldl.methods.metric import MethodMAE

grid = LabelGrid.age()
found = []
for name in METHODS:
    method = get_method(name)
    features = keras.Input((6,))
    raw = method.head(features, grid)
    model = keras.Model(features, raw)
    for variable in model.trainable_variables:
        variable.assign(np.sin(np.arange(np.prod(variable.shape))).reshape(variable.shape))
    raw = model(np.cos(np.arange(12.0, dtype="float32")).reshape(2, 6))
    y = np.float32([[30.4, 2.0], [61.0, -1.0]])
    metric = MethodMAE(method, grid)
    metric.update_state(y, raw)
    p = keras.ops.convert_to_numpy(method.distribution(raw, grid))
    found += [float(method.loss(grid)(y, raw)), float(metric.result()), *p[:, ::25].ravel()]
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_gives_the_same_numbers(backend):
    if backend == keras.backend.backend() or find_spec(backend) is None:
        pytest.skip(f"{backend} is not another back end, or is not installed")
    result = subprocess.run(
        [sys.executable, "-c", CODE + "print(*found)"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    here = {}
    exec(CODE, here)
    there = [float(word) for word in result.stdout.split()]
    assert len(there) == len(here["found"]), result.stderr
    np.testing.assert_allclose(there, here["found"], rtol=2e-5, atol=2e-5)
