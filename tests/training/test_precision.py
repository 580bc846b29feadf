"""The precision of a block, and the warning where it is emulated."""

import keras
import pytest

from keras_dldl.training import precision, train
from keras_dldl.training.precision import seconds_of_convolution, warn_of_emulation
from tests.training.test_trainer import config_of, write_small_data


@pytest.fixture
def timed(monkeypatch):
    """Stands in for the clock: a processor that takes 40 times as long in bfloat16."""
    seconds = {"float32": 0.01, "bfloat16": 0.4, "float16": 0.008}
    monkeypatch.setattr(precision, "seconds_of_convolution", seconds.__getitem__)


def test_precision_is_set_back_after_an_error():
    before = keras.config.dtype_policy().name
    with pytest.raises(RuntimeError), precision.precision("mixed_bfloat16"):
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


def test_a_convolution_is_timed():
    assert 0 < seconds_of_convolution("float32") < 60


@pytest.mark.slow
def test_training_warns_before_the_first_epoch(timed, caplog, tmp_path):
    caplog.set_level("INFO")
    data = write_small_data(tmp_path / "data", train=8, val=4)
    train(config_of(data, epochs=1, precision="mixed_bfloat16"), tmp_path / "run")
    messages = [one for one in caplog.messages if "emulates" in one or one.startswith("epoch 1/")]
    assert "emulates" in messages[0] and len(messages) == 2
