"""Devices that share a batch; the precision of a block, and the warning where it is emulated."""

import time

import keras
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.training import TrainConfig, devices
from keras_dldl.training.devices import (
    Places,
    check_shared,
    precision,
    seconds_of_convolution,
    warn_of_emulation,
)


@pytest.fixture
def timed(monkeypatch):
    """Stands in for the clock: a processor that takes 40 times as long in bfloat16."""
    seconds = {"float32": 0.01, "bfloat16": 0.4, "float16": 0.008}
    monkeypatch.setattr(devices, "seconds_of_convolution", seconds.__getitem__)


def test_precision_is_set_back_after_an_error():
    before = keras.config.dtype_policy().name
    with pytest.raises(RuntimeError), precision("mixed_bfloat16"):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        raise RuntimeError
    assert keras.config.dtype_policy().name == before


def test_an_emulated_precision_is_told_with_its_cost(timed, caplog):
    warn_of_emulation("mixed_bfloat16")
    (said,) = caplog.messages
    assert "emulates bfloat16: a convolution takes 40 times as long as in float32" in said
    assert "--precision float32" in said


@pytest.mark.parametrize("name", ["float32", "mixed_float16"])
def test_what_costs_no_more_is_not_mentioned(timed, caplog, name):
    warn_of_emulation(name)
    assert not caplog.messages


def test_a_convolution_and_its_gradient_are_timed(monkeypatch):
    assert 0 < seconds_of_convolution("float32") < 60
    transposed = keras.ops.conv_transpose

    def slow(*given, **named):
        time.sleep(0.2)
        return transposed(*given, **named)

    monkeypatch.setattr(keras.ops, "conv_transpose", slow)
    assert seconds_of_convolution("float32") >= 0.2


@pytest.mark.parametrize(
    ("settings", "places", "reason"),
    [
        ({"batch_size": 9}, Places(2), "shared by 2 devices.*batch_size=9"),
        ({"accumulate": 2}, Places(2), "accumulate=1, or.*Received: accumulate=2, 2 devices"),
        ({"accumulate": 2}, Places(2, 2), "Received: accumulate=2, 2 devices"),
        ({"ema": 0.99}, Places(2, 2, 1), "ema=null, or.*Received: ema=0.99, 2 processes"),
    ],
)
def test_settings_that_do_not_go_with_several_devices(settings, places, reason):
    with pytest.raises(ConfigError, match=reason):
        check_shared(TrainConfig(**settings), places)


def test_one_device_shares_everything():
    check_shared(TrainConfig(batch_size=9, accumulate=2, ema=0.99), Places())
    check_shared(TrainConfig(batch_size=8, ema=0.99), Places(4))


def test_shares_are_even_and_whole():
    for count, processes in ((1, 1), (4, 2), (6, 3)):
        parts = [Places(count, processes, k).share(24) for k in range(processes)]
        assert [i for part in parts for i in range(24)[part]] == list(range(24))
        places = Places(count, processes, 0)
        assert places.trimmed(47) == 47 // count * count
        assert places.filled(47) == -(-47 // count) * count
