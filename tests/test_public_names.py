"""The public names: what is promised is there, on first use, and nothing else is."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import keras_dldl
from tests.scripts_case import load_script

ROOT = Path(__file__).parents[1]
PROMISED = """
    predict_age predict_attractiveness Prediction
    KerasDLDLError ConfigError DataError DetectorError ModelFileError NoFaceFound ServerError
    TrainingError UnreadableImage
    LabelGrid LabelDistributionLoss ExpectationLoss NearestLabelCrossEntropy
    ExpectationMAE CumulativeScore EpsilonError ExpectationRMSE ExpectationPearson
    Expectation FaceAugmentation FaceModel build_model list_models load_model
""".split()
PARTS = """
    benchmark calibration check comparison data errors evaluation explain export faces importing
    labels layers losses methods metrics models ops predict ranking runtime serving training
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


def test_dir_shows_the_names_and_the_parts_and_nothing_else():
    assert dir(keras_dldl) == sorted([*PROMISED, *PARTS, "__version__"])


@pytest.mark.slow
def test_each_part_is_there_without_an_import_of_its_own():
    code = f"import keras_dldl\nfor name in {PARTS}: print(getattr(keras_dldl, name).__name__)"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == [f"keras_dldl.{name}" for name in PARTS]


def test_the_parts_are_those_of_the_reference():
    load_script("build_site")  # makes `website` known
    reference = import_module("website.reference")
    shown = {module.split(".")[0] for _, modules in reference.PAGES.values() for module in modules}
    assert shown == set(PARTS)


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


# What takes minutes or does not return, and what such a call's result is for; what reads a file of
# the paper's authors; what leaves nothing to show.
WITHOUT_EXAMPLE = {"run_benchmark", "text", "markdown", "serve", "import_torch7", "keep_light_copy"}


def test_every_public_function_shows_an_example():
    """The tests run it, as a doctest."""
    load_script("build_site")  # makes `website` known
    reference = import_module("website.reference")
    without = set()
    for module, names in [item for _, page in reference.PAGES.values() for item in page.items()]:
        for name in names or reference.public(module):
            found = reference.loaded(module).members[name]
            found = found.final_target if found.is_alias else found
            if found.is_function and ">>>" not in found.docstring.value:
                without.add(name)
    assert without == WITHOUT_EXAMPLE
