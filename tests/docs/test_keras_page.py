"""The Python of the docs, run: the page about Keras and the README's, and names wherever used."""

import ast
import importlib
import os
import subprocess
import sys

import pytest

from tests.docs.test_code import BLOCK, IDS
from tests.docs.test_links import PAGES, ROOT


def code_of(page):
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    return [code for language, code in blocks if language == "python"]


def run(code, folder):
    """Run code in a new process, warnings being errors."""
    command = [sys.executable, "-W", "error::UserWarning", "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
def test_the_page_about_keras_runs_as_it_stands(tmp_path):
    pytest.importorskip("tensorflow")  # for the SavedModel
    run("\n".join(code_of("docs/keras.md")), tmp_path)
    assert (tmp_path / "served" / "age" / "1" / "saved_model.pb").exists()


@pytest.mark.slow
def test_the_readme_s_keras_code_runs_as_it_stands(tmp_path):
    (code,) = [code for code in code_of("README.md") if "compile" in code]
    given = (
        "import numpy as np\nimages, ages = np.zeros((2, 112, 112, 3)), np.array([20.0, 30.0])\n"
    )
    run(given + code, tmp_path)
    assert (tmp_path / "model.keras").exists()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_what_the_docs_use_of_the_package_is_there(page):
    for code in code_of(page):
        for node in ast.walk(ast.parse(code)):
            place = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            if place.startswith("keras_dldl.") and "(" not in place and "[" not in place:
                names = place.split(".")[1:]
                found = importlib.import_module("keras_dldl")
                for name in names:
                    found = getattr(found, name)
