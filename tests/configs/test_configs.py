"""Every shipped config: known by its name, says what it must, and runs."""

import re

import pytest
from click.testing import CliRunner

from keras_dldl import configs
from keras_dldl.cli.main import cli
from keras_dldl.data.augment import Augmentation
from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.training.config import TrainConfig, choose_config
from keras_dldl.training.identities.config import PretrainConfig
from tests.models.given import backbone
from tests.training.identities.test_pretrain import write_people
from tests.training.small_data import mini, write_small_data

DATA_SETS = {
    "chalearn15": LabelGrid.age(),
    "chalearn16": LabelGrid.age(),
    "morph": LabelGrid.age(),
    "scut-fbp": LabelGrid.scut_fbp(),
    "scut-fbp5500": LabelGrid.scut_fbp(),
    "cfd": LabelGrid.cfd(),
}
STAGES = ("reference-kl", "reference-joint")


def load(name, tmp_path="nowhere"):
    kind = PretrainConfig if name == "pretrain" else TrainConfig
    return choose_config(tmp_path, file=name, kind=kind)


def test_these_ship():
    assert configs.names() == sorted([*DATA_SETS, *STAGES, "pretrain"])


@pytest.mark.parametrize("name", configs.names())
def test_each_parses_and_says_command_cost_and_score(name):
    config = load(name)
    assert not config.data and config.init is None  # nobody else's places
    Augmentation.from_config(dict(config.augment))
    text = configs.find_config(name).read_text(encoding="utf-8")
    comment = " ".join(re.findall(r"^#(.*)$", text, re.MULTILINE))
    command = "pretrain" if name == "pretrain" else "train"
    assert f"keras-dldl {command} --config {name} " in comment
    assert "Cost: " in comment and "To reach" in comment
    assert max(map(len, text.splitlines())) <= 130


@pytest.mark.parametrize("name", DATA_SETS)
def test_the_settings_are_the_paper_s(name):
    # docs/method.md, sections 4, 6 and 7.
    config = load(name)
    assert (config.model, config.method) == ("thin-age-net", "dldl-v2")
    assert (config.expectation_weight, config.kl_reduction) == (1, "sum")
    assert (config.input_size, config.epochs, config.batch_size) == (224, 60, 128)
    assert (config.optimizer, config.learning_rate) == ("adam", 1e-3)
    assert (config.beta_1, config.beta_2, config.epsilon) == (0.9, 0.999, 1e-8)
    assert (config.schedule, config.decay_factor, config.decay_epochs) == ("step", 0.1, 30)
    assert Augmentation.from_config(dict(config.augment)) == Augmentation()


def test_the_stages_are_the_reference_code_s():
    first, second = map(load, STAGES)
    assert (first.method, second.method) == ("dldl", "dldl-v2")
    assert first.kl_reduction == second.kl_reduction == "mean"
    assert first.epsilon == second.epsilon == 10e-8
    assert first.epochs == second.epochs == 60


@pytest.mark.parametrize("name", ["scut-fbp", "reference-kl"])
def test_each_learns_for_two_steps(name, tmp_path):
    data = write_small_data(tmp_path / "data", 6, 3, grid=DATA_SETS.get(name))
    with backbone(mini) as network:
        run = CliRunner().invoke(
            cli, ["train", "--config", name, "--data", str(data), "--out", str(tmp_path / "run"),
                  "--model", network, "--input-size", "32", "--epochs", "1", "--batch-size", "3"],
        )  # fmt: skip
    assert run.exit_code == 0, run.output
    assert "best epoch" in run.stdout and "epoch 1/1  loss" in run.stderr
    assert TrainConfig.load(tmp_path / "run" / "config.yaml").method == load(name).method


@pytest.mark.slow
def test_pre_training_learns_for_two_steps(tmp_path):
    root = write_people(tmp_path / "people", 5, 2)
    with backbone(mini) as network:
        run = CliRunner().invoke(
            cli, ["pretrain", "--config", "pretrain", "--root", str(root), "--out",
                  str(tmp_path / "run"), "--model", network, "--input-size", "32", "--epochs", "1",
                  "--batch-size", "3"],
        )  # fmt: skip
    assert run.exit_code == 0, run.output


def test_a_file_counts_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert configs.find_config("cfd").parent == configs.ROOT
    (tmp_path / "cfd").write_text("epochs: 3")
    assert choose_config("out", file="cfd").epochs == 3


def test_an_unknown_name_lists_the_shipped(tmp_path):
    with pytest.raises(ConfigError, match="chalearn16, morph.*Did you mean chalearn15\\?.*chalern"):
        configs.find_config("chalern15")
    run = CliRunner().invoke(cli, ["train", "--config", "x", "--out", str(tmp_path)])
    assert run.exit_code == 2 and "a shipped one: cfd, chalearn15" in run.stderr
    shown = CliRunner().invoke(cli, ["train", "--help"]).stdout
    assert "scut-fbp5500" in "".join(shown.split())
