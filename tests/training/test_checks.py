import importlib.util

import pytest

from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.training import TrainConfig, train
from keras_dldl.training.checks import check_config, check_labels
from keras_dldl.training.devices import Places, check_shared
from tests.training.small_data import write_small_data


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (
            {"model": "tiny-agenet"},
            "'tiny-age-net', .*Did you mean tiny-age-net.* 'tiny-agenet'",
        ),
        ({"freeze_epochs": 3}, "`freeze_epochs` says how long.*without freeze"),
        ({"accumulate": 9, "batch_size": 8}, "accumulate up to 8.*accumulate=9"),
    ],
)
def test_settings_that_do_not_fit_each_other(settings, reason):
    with pytest.raises(ConfigError, match=reason):
        check_config(TrainConfig(data=["a"], **settings))


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


def test_a_model_of_another_kind_of_name_is_left_to_its_builder():
    check_config(TrainConfig(data=["a"], model="keras:MobileNet"))


def test_tensorboard_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install "keras-dldl\[tensorboard\]"'):
        check_config(TrainConfig(data=["a"], tensorboard=True))


def test_labels_off_the_grid_are_named_by_line(tmp_path):
    folder = write_small_data(tmp_path / "data")
    path = folder / "manifest.csv"
    lines = path.read_text().splitlines()
    for number, label in ((3, "101"), (22, "-0.5")):  # the 22nd is the first of validation
        fields = lines[number - 1].split(",")
        lines[number - 1] = ",".join([fields[0], label, *fields[2:]])
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"Allowed: 0 to 100.*2 of 26 rows; line 3: 101, line 22"):
        train(TrainConfig(data=[str(folder)], batch_size=8), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(DataError, match=r"1 of 20 rows; line 3: 101$"):
        check_labels(PreparedData(folder), ["train"])


def test_patience_needs_validation(tmp_path):
    folder = write_small_data(tmp_path / "data", val=0)
    with pytest.raises(ConfigError, match="`patience` judges by a validation split"):
        train(TrainConfig(data=[str(folder)], patience=3), tmp_path / "run")
