import dataclasses

import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.training.config import TrainConfig, choose_config, parse_assignments
from keras_dldl.training.settings import read_yaml


def test_variety_is_the_base_of_what_augment_names():
    complete = TrainConfig(variety=1, augment={"jpeg": 100}).with_augmentation()
    assert complete.augment["jpeg"] == 100 and complete.augment["cut"] == 0.2
    assert complete.with_augmentation() == complete
    with pytest.raises(ConfigError, match="variety.*at most 1.*Received: variety=2"):
        TrainConfig(variety=2)


def test_defaults_are_the_papers():
    config = TrainConfig()
    assert (config.optimizer, config.learning_rate, config.beta_1, config.beta_2) == (
        "adam", 1e-3, 0.9, 0.999,
    )  # fmt: skip
    assert (config.epochs, config.batch_size, config.decay_epochs) == (60, 128, 30)
    assert (config.expectation_weight, config.sigma, config.kl_reduction) == (1.0, 2.0, "sum")


def test_yaml_gives_back_every_field(tmp_path):
    changed = TrainConfig(
        data=["a", "ü b"], init="x.keras", input_size=96, gradient_clip_norm=1.5, seed=7,
        augment={"rotation": 0.0}, learning_rate=1e-5, validation_split=None, deterministic=True,
        method_options={"norm": "l2"},
    )  # fmt: skip
    changed.save(tmp_path / "config.yaml")
    assert TrainConfig.load(tmp_path / "config.yaml") == changed
    names = {field.name for field in dataclasses.fields(TrainConfig)}
    assert set(read_yaml(tmp_path / "config.yaml")) == names


def test_unknown_key_names_near_ones():
    with pytest.raises(ConfigError, match="no setting `learnin_rate`.*`learning_rate`.*Received"):
        TrainConfig.from_dict({"learnin_rate": 1})
    with pytest.raises(ConfigError, match="no setting `qqq`. The settings are `data`"):
        TrainConfig.from_dict({"qqq": 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0), ("epochs", 2.5), ("epochs", True), ("epochs", "many"), ("epochs", None),
        ("learning_rate", 0), ("learning_rate", float("nan")), ("learning_rate", float("inf")),
        ("sigma", -1), ("dropout", 1), ("schedule", "linear"), ("optimizer", 3), ("data", 5),
        ("data", [1]), ("data", [""]), ("augment", "none"), ("precision", "float16"),
        ("input_size", 16), ("seed", -1), ("deterministic", 1), ("model", ""),
    ],
)  # fmt: skip
def test_wrong_value_is_named_with_what_is_allowed(name, value):
    with pytest.raises(ConfigError, match=rf"`{name}`.*Allowed: .*Received: {name}="):
        TrainConfig.from_dict({name: value})


def test_options_override_the_file_and_the_file_the_defaults(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("epochs: 5\nseed: 3\naugment: {flip: 0.1, grey: 0.2}\n")
    changes = {"epochs": 9} | parse_assignments(["augment.grey=0", "init=null", "sigma=1e-1"])
    config = choose_config(tmp_path / "run", file=path, changes=changes)
    assert (config.epochs, config.seed, config.batch_size, config.sigma) == (9, 3, 128, 0.1)
    assert config.augment == {"flip": 0.1, "grey": 0}


def test_resume_takes_the_runs_own_config(tmp_path):
    TrainConfig(epochs=7).save(tmp_path / "config.yaml")
    assert choose_config(tmp_path, resume=True).epochs == 7
    assert choose_config(tmp_path, resume=False).epochs == 60


def test_a_part_of_a_plain_setting_is_refused():
    with pytest.raises(ConfigError, match="`epochs` has no parts.*Received: epochs.first"):
        TrainConfig().updated({"epochs.first": 1})


@pytest.mark.parametrize("text", ["epochs", "=3", "epochs=[", ""])
def test_malformed_assignment(text):
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        parse_assignments([text])


@pytest.mark.parametrize("content", ["- a\n- b\n", "a: [", "just text", None])
def test_file_that_is_no_mapping_or_not_there(tmp_path, content):
    path = tmp_path / "c.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match="c.yaml"):
        TrainConfig.load(path)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("epochs: 3\n\n# why\nlearnin_rate: 1\n", 4, "no setting `learnin_rate`. Did you mean"),
        ("epochs: 3\nbatch_size: many\n", 2, "`batch_size` cannot.*a whole number, at least 1"),
        ("augment:\n  flip: 0.5\n  grye: 1\n", 3, "`augment.grye`. Did you mean `augment.grey`"),
        ("augment: {flip: 0.5,\n  grey: 3}\n", 2, "`grey` must be a number"),
        ("epochs: 3\nseed: 1\nepochs: 4\n", 3, "stands there twice.*lines 1 and 3"),
        ("optimizer: adam2\n", 1, "Did you mean adam\\? Received: optimizer='adam2'"),
        ("1: 2\n", 1, "no setting `1`"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(tmp_path, content, line, reason):
    path = tmp_path / "c.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=rf"c.yaml, line {line}: .*{reason}"):
        TrainConfig.load(path)


def test_augmentation_is_completed_and_checked():
    full = TrainConfig(augment={"rotation": 3}).with_augmentation()
    assert full.augment["rotation"] == 3
    assert full.augment["flip"] == 0.5
    with pytest.raises(ConfigError, match="`augment.rotatoin`.*`augment.rotation`"):
        TrainConfig(augment={"rotatoin": 3}).with_augmentation()
