"""The table of sources, and sources of the user's own."""

import sys

import pytest

from keras_dldl.data.sources import SOURCES, Source, find_source
from keras_dldl.errors import ConfigError


@pytest.fixture
def my_module(tmp_path, monkeypatch):
    text = (
        "from keras_dldl.data.sources import Source\n"
        "class MySource(Source):\n    name = 'mine'\n"
        "NOT_ONE = 3\n"
    )
    (tmp_path / "my_sources_of_test.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    yield "my_sources_of_test"
    sys.modules.pop("my_sources_of_test", None)


def test_every_source_is_complete():
    for name, source in SOURCES.items():
        assert source.name == name and source.summary and len(source.summary) <= 80
        assert issubclass(source, Source) and source.__doc__
        assert source().grid().size > 1


def test_a_class_of_the_users_own_is_found_in_the_current_folder(my_module):
    assert find_source(f"{my_module}:MySource").name == "mine"
    assert "" not in sys.path[:1]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("imagenet", "must be one of utkface, "),
        ("no_such_module_of_test:Source", "must be importable.*no_such_module_of_test"),
        ("my_sources_of_test:NOT_ONE", "derived from .*which is 3"),
        ("my_sources_of_test:Missing", "derived from .*which is None"),
    ],
)
def test_what_is_no_source(my_module, name, reason):
    with pytest.raises(ConfigError, match=reason):
        find_source(name)
