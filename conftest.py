"""Settings for the tests, made before anything imports TensorFlow, JAX or Matplotlib."""

import os
import signal
import tempfile

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
# JAX holds no float64 unless asked: the tests compare with float64 references. By KERAS_BACKEND=jax
# the tests of what every back end runs can be run on it.
os.environ.setdefault("JAX_ENABLE_X64", "1")
# What is made once and kept is made for these tests, and not in the user's own cache.
CACHE = tempfile.TemporaryDirectory(prefix="keras-dldl-tests-")
os.environ.setdefault("KERAS_DLDL_CACHE_DIR", CACHE.name)
# A shell without job control makes what it puts into the background deaf to Ctrl-C, and with it all
# that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def place_of_examples(request):
    """Run examples that name files in a folder of their own, with 40 + 40 faces in `data/mine`."""
    test = getattr(request.node, "dtest", None)
    source = "".join(example.source for example in test.examples) if test else ""
    if not any(name in source for name in ("data/mine", "age.tflite")):
        return
    from tests.training.small_data import write_small_data

    folder = request.getfixturevalue("tmp_path")
    request.getfixturevalue("monkeypatch").chdir(folder)
    (folder / "data").mkdir()
    write_small_data(folder / "data" / "mine", 40, 40)
