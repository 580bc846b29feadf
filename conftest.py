"""Settings for the tests, made before anything imports TensorFlow, JAX or Matplotlib."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
# JAX holds no float64 unless asked: the tests compare with float64 references. By KERAS_BACKEND=jax
# the tests of what every back end runs can be run on it.
os.environ.setdefault("JAX_ENABLE_X64", "1")
