"""Classes named `module:Class`; sources and methods test the same through their own tables."""

import sys

import pytest

from keras_dldl._utils.imports import load_class, make
from keras_dldl.errors import ConfigError, DataError


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
        ("my_problems_of_test:Missing", "but there is no 'Missing' in my_problems_of_test"),
        ("my_problems_of_test:", "but there is no '' in my_problems_of_test"),
        (
            "my_problems_of_test:Mnie",
            "Did you mean Mine.*my_problems_of_test has the classes: Mine",
        ),
        ("pathlib:Path", "derived from some.Problem"),
        (
            "no_such_module_of_test:Mine",
            "module of a problem must be importable.*'no_such_module_of_test'; the current folder "
            "and the folders of PYTHONPATH were searched",
        ),
        (":Mine", "must be importable.*Received: ':Mine'"),
    ],
)
def test_what_is_no_class_of_the_kind(module, name, reason):
    before = list(sys.path)
    with pytest.raises(ConfigError, match=reason):
        find(name)
    assert sys.path == before


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys; sys.exit()", r"importable. Received: 'broken_of_test:Mine' \(SystemExit"),
        ("1 / 0", r"importable. Received: 'broken_of_test:Mine' \(ZeroDivisionError: division by"),
        ("def (", "importable. Received: 'broken_of_test:Mine' .*SyntaxError"),
        ("import nothing_of_test", r"\(No module named 'nothing_of_test'\)$"),
    ],
)
def test_a_module_that_fails_is_named(tmp_path, monkeypatch, code, reason):
    (tmp_path / "broken_of_test.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=reason):
        find("broken_of_test:Mine")


class Fails:
    def __init__(self, folder=None):
        if folder is None:
            raise RuntimeError("no weights")
        raise DataError("not this folder")


def test_a_class_that_cannot_be_made_is_named():
    with pytest.raises(
        ConfigError, match=r"a thing must be made without arguments.*:Fails.*no wei"
    ):
        make(Fails, "thing")
    with pytest.raises(ConfigError, match=r"by size. Received: .*TypeError.*size"):
        make(Fails, "thing", size=3)
    with pytest.raises(DataError, match="not this folder"):
        make(Fails, "thing", folder="a")
