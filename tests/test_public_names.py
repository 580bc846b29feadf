"""The public names: what is promised is there, on first use, and nothing else is."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import keras_dldl

ROOT = Path(__file__).parents[1]
PROMISED = """
    predict_age predict_attractiveness Prediction
    KerasDLDLError ConfigError DataError DetectorError ModelFileError NoFaceFound ServerError
    TrainingError UnreadableImage
    LabelGrid LabelDistributionLoss ExpectationLoss NearestLabelCrossEntropy
    ExpectationMAE CumulativeScore EpsilonError ExpectationRMSE ExpectationPearson
    Expectation FaceModel build_model list_models load_model
""".split()


def test_what_is_promised_is_public():
    assert sorted(keras_dldl.__all__) == sorted([*PROMISED, "__version__"])


@pytest.mark.parametrize("name", PROMISED)
def test_each_name_is_loaded_and_documented(name):
    value = getattr(keras_dldl, name)
    assert value.__name__ == name
    assert inspect.getdoc(value)
    assert value.__module__.startswith("keras_dldl.")
    assert getattr(keras_dldl, name) is value


@pytest.mark.parametrize("name", PROMISED)
def test_dir_shows_each_name(name):
    assert name in dir(keras_dldl)


def test_the_errors_are_all_public():
    errors = import_module("keras_dldl.errors")
    raised = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert raised <= set(keras_dldl.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'keras_dldl' has no attribute 'nonesuch'"):
        keras_dldl.nonesuch  # noqa: B018
    assert not hasattr(keras_dldl, "nonesuch")


def test_star_import_brings_them_all():
    namespace = {}
    exec("from keras_dldl import *", namespace)
    assert set(PROMISED) <= set(namespace)


def test_type_checkers_see_the_same_names_from_the_same_modules():
    tree = ast.parse((ROOT / "keras_dldl" / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and "TYPE" in ast.dump(node)]
    seen = {
        alias.name: node.module.removeprefix("keras_dldl.")
        for node in block.body
        for alias in node.names
    }
    assert seen == keras_dldl._MODULE_OF


@pytest.mark.parametrize("part", ["keras_dldl.cli.main", "keras_dldl.saved_models"])
def test_the_parts_beside_the_package_are_importable_from_a_checkout(part, tmp_path):
    # With the current directory at the root, and with the root on the path alone.
    add_root = f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
    for cwd, code in ((ROOT, ""), (tmp_path, add_root)):
        subprocess.run([sys.executable, "-c", f"{code}import {part}"], cwd=cwd, check=True)
