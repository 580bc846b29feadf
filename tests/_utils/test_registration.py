"""Keras finds the package's classes, whichever of the two a new process imports first."""

import ast
import os
import subprocess
import sys
from importlib import import_module

import keras
import numpy as np
import pytest

from keras_dldl import ExpectationMAE, LabelDistributionLoss, LabelGrid, build_model
from keras_dldl._utils import registration
from tests.test_house import ROOT, parse, source_files

ORDERS = {
    "the package first": "import keras_dldl, keras",
    "Keras first": "import keras, keras_dldl",
}


def in_a_new_process(code, *arguments):
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A compiled model as `ModelCheckpoint` writes it, and its answer."""
    path = tmp_path_factory.mktemp("models") / "model.keras"
    grid = LabelGrid.age()
    faces = np.zeros((2, 32, 32, 3), "float32")
    model = build_model("nano-age-net", grid, input_size=32)
    model.compile("adam", loss=LabelDistributionLoss(grid, 3.0), metrics=[ExpectationMAE(grid)])
    writer = keras.callbacks.ModelCheckpoint(path)
    model.fit(faces, np.array([20.0, 30.0]), verbose=0, callbacks=[writer])
    return path, model.predict(faces, verbose=0)[0].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
def test_keras_loads_a_checkpoint_in_a_new_process(order, checkpoint):
    path, expected = checkpoint
    code = f"""{ORDERS[order]}
import sys, numpy
model = keras.saving.load_model(sys.argv[1])
print(type(model) is keras_dldl.FaceModel, type(model.loss).__name__, model.loss.sigma)
print(model.predict(numpy.zeros((2, 32, 32, 3)), verbose=0)[0].tolist())"""
    told, answer = in_a_new_process(code, path).stdout.splitlines()
    assert told == "True LabelDistributionLoss 3.0"
    np.testing.assert_allclose(ast.literal_eval(answer), expected, atol=1e-6)


def test_the_table_names_every_class_that_is_saved():
    def is_saved(node):
        return any("register_keras_serializable" in ast.dump(d) for d in node.decorator_list)

    saved = {
        node.name
        for path in source_files()
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ClassDef) and is_saved(node)
    }
    assert sorted(saved) == sorted(sum(registration.CLASSES.values(), ()))


@pytest.mark.parametrize("module", registration.CLASSES)
def test_once_loaded_keras_has_the_classes_themselves(module):
    loaded = import_module(f"keras_dldl.{module}")
    for name in registration.CLASSES[module]:
        found = keras.saving.get_registered_object(f"keras_dldl>{name}")
        assert found is getattr(loaded, name)


def test_keras_that_cannot_be_loaded_is_an_import_error(tmp_path):
    (tmp_path / "keras.py").write_text("raise ImportError('broken')\n")
    code = f"""import sys; sys.path.insert(0, {str(tmp_path)!r})
import keras_dldl
for _ in range(2):
    try:
        import keras
    except ImportError as error:
        print(error)"""
    assert in_a_new_process(code).stdout.split() == ["broken", "broken"]
