"""The table of methods, their options, and methods of the user's own."""

import dataclasses
import json
import sys

import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.methods import METHODS, Method, find_method, get_method

OWN = """
from dataclasses import dataclass

from keras_dldl.methods import Method
from keras_dldl.methods.distribution import DLDL


@dataclass(frozen=True)
class Mine(DLDL):
    power: float = 1.5


class Plain(DLDL):
    needs_sigma = True


class Named(DLDL):
    name = "mine"


class Odd(DLDL):
    decoder = "mode"


NOT_ONE = 3
"""


@pytest.fixture
def my_module(tmp_path, monkeypatch):
    (tmp_path / "my_methods_of_test.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    yield "my_methods_of_test"
    sys.modules.pop("my_methods_of_test", None)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_complete(name):
    method = find_method(name)
    assert issubclass(method, Method) and method.__doc__
    assert method.name == name or (name, method.name) == ("or-cnn", "ranking-bce")
    assert method.summary and len(method.summary) <= 80
    assert method().loss(LabelGrid.age()).reduction == "sum_over_batch_size"


@pytest.mark.parametrize("name", METHODS)
def test_config_round_trip(name):
    method = get_method(name)
    config = json.loads(json.dumps(method.get_config()))
    assert set(config) == {"name", "options"}
    assert get_method(config) == method
    assert get_method(config).get_config() == config


def test_options_keep_their_values():
    method = get_method("dldl-v2", sigma=3.0)
    assert method.options == {"sigma": 3.0, "expectation_weight": 1.0, "kl_reduction": "sum"}
    assert get_method({"name": "dldl-v2", "options": {"sigma": 3.0}}) == method
    assert get_method({"name": "dldl-v2"}) == get_method("dldl-v2")
    assert get_method(method) is method
    with pytest.raises(dataclasses.FrozenInstanceError):
        method.sigma = 1


def test_defaults_are_the_papers():
    assert get_method("dldl-v2").options["sigma"] == 2.0
    assert get_method("mean-variance").options == {"mean_weight": 0.2, "variance_weight": 0.05}
    assert get_method("unimodal-concentrated").options == {"unimodal_weight": 1000.0}
    assert get_method("or-cnn") == get_method("ranking-bce")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("rankin-bce", "must be one of dldl-v2, .* Did you mean ranking-bce. Received: 'rankin"),
        ("foo", r"`module:Class` for one of your own\. Received: 'foo'"),
        (None, "Received: None"),
        (3, "Received: 3"),
        ({"nom": "dex"}, "must be one of"),
        ("no_such_module_of_test:X", "module of a method must be importable.*no_such_module"),
        (":X", "module of a method must be importable"),
        ("my_methods_of_test:NOT_ONE", "derived from keras_dldl.methods.Method.*which is 3"),
        ("my_methods_of_test:Missing", "derived from .*no 'Missing' in my_methods"),
        ("my_methods_of_test:Named", "must not set `name`.*is 'mine'"),
        ("my_methods_of_test:Odd", "`decoder` is not valid.*Received: decoder='mode'"),
    ],
)
def test_what_is_no_method(my_module, name, reason):
    with pytest.raises(ConfigError, match=reason):
        get_method(name)


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("dldl", {"sigmas": 1}, "are sigma, kl_reduction. Did you mean sigma. Received: sigmas=1"),
        ("dex", {"sigma": 1}, "Options of the method dex are none. Received: sigma=1"),
        ("er", {"power": 2}, "are norm. Received: power=2"),
    ],
)
def test_unknown_options(name, options, reason):
    with pytest.raises(ConfigError, match=reason):
        get_method(name, **options)


def test_options_are_checked_where_the_loss_is_made():
    with pytest.raises(ConfigError, match="`scale` is not valid"):
        get_method("sord", scale=-1).loss(LabelGrid.age())


def test_a_class_of_the_users_own_is_found_and_found_again(my_module):
    method = get_method(f"{my_module}:Mine", power=2.0)
    assert method.name == f"{my_module}:Mine"
    assert method.options == {"sigma": 2.0, "kl_reduction": "sum", "power": 2.0}
    assert get_method(json.loads(json.dumps(method.get_config()))) == method
    assert get_method(f"{my_module}:Plain").needs_sigma


def test_a_method_without_a_loss_says_so():
    with pytest.raises(NotImplementedError, match="`loss.*Received: Method, which has none"):
        Method().loss(LabelGrid.age())
