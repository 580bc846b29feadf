import dataclasses
import json

import pytest
from click.testing import CliRunner

from keras_dldl.cli.main import cli
from keras_dldl.methods import METHODS
from keras_dldl.training import trainer
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.history import RunResult
from keras_dldl.training.identities.config import PretrainConfig
from keras_dldl.training.settings import setting_of
from keras_dldl.training.team import Team
from tests.training.small_data import write_small_data

pytestmark = pytest.mark.usefixtures("mini_backbone")


def run(*arguments):
    return CliRunner().invoke(cli, ["train", *map(str, arguments)])


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Collect what the command asks for, in place of training."""
    calls = []

    def pretend(config, out, resume=False, team=None):
        calls.append((config, out, resume, team))
        row = {"epoch": 3, "val_mae": 4.5}
        return RunResult(tmp_path, tmp_path / "model.keras", (row,), already_finished=resume)

    monkeypatch.setattr(trainer, "train", pretend)
    return calls


def test_every_named_option_reaches_the_config(asked, tmp_path):
    result = run(
        "--data", "a", "--data", "b", "--out", tmp_path, "--model", "thin-age-net",
        "--method", "dldl", "--init", "x", "--epochs", 2, "--batch-size", 3, "--learning-rate",
        0.5, "--schedule", "cosine", "--input-size", 64, "--sigma", 1, "--lambda", 0.25, "--seed",
        9, "--precision", "mixed_bfloat16", "--set", "augment.rotation=0", "--set", "epochs=4",
        "--set", "method_options.kl_reduction=mean", "--accumulate", 2, "--optimizer", "lamb",
        "--ema", 0.99, "--sampling", "sqrt", "--freeze", "stage1", "--freeze", "*_bn",
        "--freeze-epochs", 5, "--patience", 6, "--tensorboard",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    config, out, resume, team = asked[0]
    assert (str(out), resume, team) == (str(tmp_path), False, Team())
    assert config == TrainConfig(
        data=["a", "b"], model="thin-age-net", method="dldl", init="x", epochs=4, batch_size=3,
        learning_rate=0.5, schedule="cosine", input_size=64, sigma=1, expectation_weight=0.25,
        seed=9, precision="mixed_bfloat16", augment={"rotation": 0},
        method_options={"kl_reduction": "mean"}, accumulate=2, optimizer="lamb", ema=0.99,
        sampling="sqrt", freeze=["stage1", "*_bn"], freeze_epochs=5, patience=6, tensorboard=True,
    )  # fmt: skip


@pytest.mark.parametrize("kind, name", [(TrainConfig, "train"), (PretrainConfig, "pretrain")])
def test_every_setting_is_an_option(kind, name):
    """What a settings class declares is offered, explained, and taken in its type."""
    told = CliRunner().invoke(cli, [name, "--help"]).output
    options = {param.name: param for param in cli.get_command(None, name).params}
    for field in dataclasses.fields(kind):
        setting = setting_of(field)
        if setting.kind == "mapping":  # only by --set
            assert field.name not in options
            continue
        option = options[field.name]
        assert option.opts[0] in told and setting.help[1:] in option.help
        if setting.kind == "switch":
            continue
        number = 1 if setting.minimum is None else setting.minimum
        value = setting.choices[-1] if setting.choices else f"{number:g}"
        taken = option.type.convert(value, option, None)
        assert setting.check(field.name, taken) in (value, (value,), number)


def test_devices_and_processes_reach_the_training(asked, tmp_path):
    team = ["--coordinator", "10.0.0.1:99", "--processes", 2, "--process", 1]
    assert run("--out", tmp_path, "--devices", 2, *team).exit_code == 0
    assert asked[0][0].devices == 2 and asked[0][3] == Team("10.0.0.1:99", 2, 1)
    assert run("--out", tmp_path, "--devices", "auto").exit_code == 0
    for wrong in (["--devices", 0], ["--devices", "all"], team[:4], [*team[:5], 2]):
        result = run("--out", tmp_path, *wrong)
        assert result.exit_code == 2 and "Received: " in result.stderr
    assert len(asked) == 2


def test_no_options_leave_the_file_alone(asked, tmp_path):
    stored = TrainConfig(
        data=["a"], epochs=5, seed=4, learning_rate=0.1, freeze=["logits"], tensorboard=True
    )
    stored.save(tmp_path / "c.yaml")
    assert run("--config", tmp_path / "c.yaml", "--out", tmp_path).exit_code == 0
    assert asked[0][0] == stored


def test_table_and_json(asked, tmp_path):
    shown = run("--out", tmp_path, "--resume").stdout
    assert "finished before" in shown
    assert shown.splitlines()[-1].split() == ["3", "3", "4.500", str(tmp_path / "model.keras")]
    content = json.loads(run("--out", tmp_path, "--json").stdout)
    assert (content["best_epoch"], content["val_mae"]) == (3, 4.5)


def test_help_shows_defaults_and_methods():
    text = " ".join(run("--help").stdout.split())
    assert all(name in text.replace("- ", "-") for name in METHODS) and "module:Class" in text
    for option, default in (("--epochs", "60"), ("--lambda", "1.0"), ("--model", "tiny-age-net")):
        assert option in text
        assert f"[default: {default}]" in text


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["--set", "epoch=3"], 2, "Error: There is no setting `epoch`"),
        (["--epochs", "0"], 2, "Error: The setting `epochs`"),
        (["--method", "corral"], 2, "or-cnn, coral, mr-l1, mr-l2, or `module:Class`"),
        (["--method", "corral"], 2, "Did you mean coral? Received: 'corral'"),
        (["--method", "er", "--set", "method_options.nrm=l2"], 2, "Did you mean norm?"),
        (["--method", "no_such_module:M"], 2, "module of a method must be importable"),
        (["--epochs", "x"], 2, "--epochs"),
        ([], 2, "Error: Training needs data"),
        (["--data", "nowhere"], 1, "Error: A data folder must be"),
        (["--config", "nowhere.yaml"], 2, "Error: The config file cannot be read"),
    ],
)
def test_failures_are_one_line(tmp_path, arguments, status, reason):
    result = run("--out", tmp_path / "run", *arguments)
    assert result.exit_code == status
    assert reason in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()


def test_preview_writes_a_picture_and_trains_nothing(asked, tmp_path):
    data = write_small_data(tmp_path / "data")
    result = run("--data", data, "--preview", tmp_path / "p.png", "--set", "augment.erase=1")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"20 faces, as stored and as augmented: {tmp_path / 'p.png'}\n"
    assert (tmp_path / "p.png").stat().st_size > 1000 and asked == []
    as_json = run("--data", data, "--preview", tmp_path / "p.jpg", "--json").stdout
    assert json.loads(as_json) == {"preview": str(tmp_path / "p.jpg"), "faces": 20}


def test_dry_run_says_what_would_be_done(asked, tmp_path):
    data = write_small_data(tmp_path / "data")
    given = "--data", data, "--dry-run", "--model", "mini"
    result = run(*given, "--epochs", 2, "--batch-size", 8)
    assert result.exit_code == 0, result.output
    assert "2 epochs of 3 steps of 8 images: 6" in result.stdout
    assert "at the peak" in result.stdout and asked == []
    content = json.loads(run(*given, "--json", "--out", tmp_path / "r").stdout)
    assert content["images"] == {"train": 20, "val": 6}
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


def test_a_run_needs_its_folder(asked):
    result = run("--data", "a")
    assert result.exit_code == 2 and "--out is needed: the run folder. Received" in result.output
