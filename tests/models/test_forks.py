"""Predictions in forked processes: they answer, or raise an error; they never wait without end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = """
import multiprocessing, sys
import numpy as np
import keras_dldl

FACE = np.full((112, 112, 3), 90, np.uint8)

def predicted(engine):
    try:
        return float(keras_dldl.predict_age(FACE, detect=False, engine=engine, model="nano-age"))
    except keras_dldl.errors.ConfigError as error:
        return f"error: {error}"

before = predicted(sys.argv[1])
with multiprocessing.get_context("fork").Pool(1) as pool:
    after = pool.apply_async(predicted, sys.argv[2:]).get(timeout=60)
print(after if isinstance(after, str) else f"same: {abs(after - before) < 0.01}")
"""


DETECTION = """
import multiprocessing, sys
import numpy as np
import keras_dldl
from keras_dldl.faces.detectors.mtcnn import MTCNNDetector

PHOTO = np.full((60, 60, 3), 90, np.uint8)
detector = MTCNNDetector(engine="keras")

def found(made_here):
    try:
        return (MTCNNDetector(engine="keras") if made_here else detector).detect([PHOTO])
    except keras_dldl.errors.ConfigError as error:
        return f"error: {error}"

assert found(False) == [[]]
with multiprocessing.get_context("fork").Pool(1) as pool:
    for made_here in (False, True):
        print(pool.apply_async(found, [made_here]).get(timeout=60))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_faces_looked_for_by_tensorflow_in_a_forked_process():
    done = subprocess.run(
        [sys.executable, "-c", DETECTION], cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    for line in lines:
        assert line.startswith("error: MTCNN by the package `mtcnn` cannot run in a process that")
        assert 'get_context("spawn")' in line


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize(
    ("parent", "child", "answer"),
    [
        ("litert", "litert", "same: True"),
        ("keras", "keras", "error: Keras on TensorFlow cannot run in a process that was forked"),
    ],
)
def test_a_prediction_in_a_forked_process(parent, child, answer):
    done = subprocess.run(
        [sys.executable, "-c", CODE, parent, child],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.startswith(answer), done.stderr


LOADED = """
import os, sys, types
from keras_dldl import errors
from keras_dldl._utils import backends

backends.backend_name = lambda: sys.argv[1]
sys.modules["tensorflow"] = types.ModuleType("tensorflow")  # as other packages load it
if os.fork():
    os.wait()
else:
    for what in ("", "A SavedModel"):
        try:
            backends.check_not_forked(what)
            print("allowed")
        except errors.ConfigError as error:
            print("refused" if str(error).startswith(what) else error)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize(
    ("backend", "answer"), [("tensorflow", "refused"), ("torch", "allowed"), ("jax", "allowed")]
)
def test_a_fork_is_refused_only_where_keras_runs_on_tensorflow(backend, answer):
    done = subprocess.run(
        [sys.executable, "-c", LOADED, backend], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.split() == [answer, "refused"], done.stderr
