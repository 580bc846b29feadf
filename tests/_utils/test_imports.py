"""Classes named `module:Class`; sources and methods test the same through their own tables."""

import sys

import pytest

from keras_dldl._utils.imports import load_class
from keras_dldl.errors import ConfigError


def find(name):
    return load_class(name, Exception, "problem", "some.Problem")


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "my_problems_of_test.py").write_text(
        "class Mine(Exception):\n    pass\nTHREE = 3\n"
    )
    monkeypatch.chdir(tmp_path)
    yield "my_problems_of_test"
    sys.modules.pop("my_problems_of_test", None)


def test_a_class_in_the_current_folder(module):
    before = list(sys.path)
    assert find(f"{module}:Mine").__name__ == "Mine"
    assert sys.path == before


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("my_problems_of_test:THREE", "problem of your own must be .* some.Problem.*which is 3"),
        ("my_problems_of_test:Missing", "which is None"),
        ("my_problems_of_test:", "which is None"),
        ("pathlib:Path", "derived from some.Problem"),
        ("no_such_module_of_test:Mine", "module of a problem must be importable.*no_such_module"),
        (":Mine", "must be importable.*Received: ':Mine'"),
    ],
)
def test_what_is_no_class_of_the_kind(module, name, reason):
    before = list(sys.path)
    with pytest.raises(ConfigError, match=reason):
        find(name)
    assert sys.path == before
