"""The other back ends against this one: label maths, methods, metrics, and models across them.

Each runs in a process of its own. The tests of the parts themselves can be run on another back end
by KERAS_BACKEND=jax or torch, see docs/backends.md.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_dldl.models import load_model
from tests import backend_numbers

ROOT = Path(__file__).parents[2]
YEARS = 1e-4  # what a model may differ by when it is evaluated on another back end


@pytest.fixture(scope="module", params=["jax", "torch"])
def other(request, tmp_path_factory):
    """Return (numbers of the other back end, the model it wrote, the model it was given)."""
    backend = request.param
    if backend == keras.backend.backend():
        pytest.skip(f"{backend} is what the tests run on")
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    folder = tmp_path_factory.mktemp(backend)
    given, target, made = folder / "given.keras", folder / "numbers.npz", folder / "made.keras"
    model = backend_numbers.make_model()
    model.save(given)
    environment = {**os.environ, "KERAS_BACKEND": backend}
    environment.pop("JAX_ENABLE_X64", None)  # as users have it
    result = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-m", "tests.backend_numbers",
         str(given), str(target), str(made)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    with np.load(target) as archive:
        return {name: archive[name] for name in archive.files}, made, model


def test_the_same_numbers(other):
    there, _, _ = other
    here = backend_numbers.numbers()
    assert len(here) > 60 and set(here) <= set(there)
    for name, expected in here.items():
        assert np.isfinite(expected).all(), name
        np.testing.assert_allclose(there[name], expected, rtol=3e-5, atol=3e-5, err_msg=name)


def test_a_model_from_here_gives_the_same_years_there(other):
    there, _, given = other
    expected = backend_numbers.values_of(given)
    assert np.ptp(expected) > 100 * YEARS
    np.testing.assert_allclose(there["values of the model given"], expected, rtol=0, atol=YEARS)


def test_a_model_from_there_gives_the_same_years_here(other):
    there, made, _ = other
    found = backend_numbers.values_of(load_model(made))
    np.testing.assert_allclose(found, there["values"], rtol=0, atol=YEARS)


def test_float64_is_asked_for_only_where_there_is_some(monkeypatch):
    from keras_dldl import ops

    assert ops.compute_dtype(np.zeros(1), np.zeros(1, np.float32)) == "float64"
    monkeypatch.setattr(ops, "has_float64", lambda: False)
    assert ops.compute_dtype(np.zeros(1)) == "float32"
    assert keras.backend.standardize_dtype(ops.to_tensor(np.zeros(1), "float64").dtype) == "float32"
