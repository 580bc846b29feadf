"""`keras-dldl split`, and the options of splitting that `prepare` has too."""

import json
import re

import pytest
from click.testing import CliRunner

import keras_dldl.data.prepare as prepare_module
from keras_dldl.cli import prepare as prepare_command
from keras_dldl.cli.main import cli
from keras_dldl.cli.split import KINDS
from keras_dldl.data.sources import Source
from keras_dldl.data.splits import protocol
from keras_dldl.data.splits import resplit as module
from keras_dldl.data.splits.protocol import SplitOptions


@pytest.fixture
def split(monkeypatch):
    """Call the command with a run that only notes its arguments; return the result and them."""
    calls = []

    def resplit(data, out, options):
        calls.append((data, out, options))
        return {"train": 5, "val": 0, "test": 1}

    monkeypatch.setattr(module, "resplit", resplit)
    return lambda *args: (CliRunner().invoke(cli, ["split", "data", "--out", "b", *args]), calls)


class WithFolds(Source):
    """A data set with folds of its own."""

    name = "with-folds"
    options = ("fold",)

    def __init__(self, fold: str | int = 1):
        self.fold = fold


@pytest.fixture
def prepare(monkeypatch, tmp_path):
    calls = []

    def prepare(source, root, out, options, run_jobs=None):
        calls.append((source, options))
        return prepare_module.PrepareResult(tmp_path, {"train": 1}, 1, 0, [])

    monkeypatch.setattr(prepare_module, "prepare", prepare)
    monkeypatch.setitem(prepare_command.SOURCES, "with-folds", WithFolds)
    place = ("--root", str(tmp_path), "--out", str(tmp_path / "out"))
    return lambda *args: (CliRunner().invoke(cli, ["prepare", *args, *place]), calls)


def test_the_options_reach_the_run(split):
    result, calls = split("--folds", "5", "--fold", "2", "--val", "0.2", "--seed", "7")
    assert result.exit_code == 0, result.output
    options = SplitOptions(split="drawn", val=0.2, seed=7, folds=5, fold=2)
    assert calls == [("data", "b", options)]
    assert result.stdout.splitlines()[0].split() == ["train", "5", "faces"]
    assert split("--leave-out", "007")[1][1][2].leave_out == "007"
    assert split("--split", "official-test")[1][2][2].split == "official-test"


def test_json(split):
    result, _ = split("--json")
    assert json.loads(result.stdout)["counts"] == {"train": 5, "val": 0, "test": 1}


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("--folds", "5", "--fold", "1", "--test", "0.1"), "--folds says which.*leave out --test"),
        (("--leave-out", "a", "--split", "drawn"), "--leave-out says which.*leave out --split"),
        (("--folds", "5"), "With `folds` goes `fold`"),
        (("--fold", "1", "--leave-out", "a"), "either on a fold or on a person"),
        (("--split", "random"), "'random' is not one of"),
    ],
)
def test_wrong_usage(split, args, reason):
    result, calls = split(*args)
    assert result.exit_code == 2 and not calls
    assert re.search(reason, result.stderr)


def test_prepare_has_the_same_options(prepare):
    result, calls = prepare("utkface", "--folds", "5", "--fold", "2", "--strict")
    assert result.exit_code == 0, result.output
    assert calls[0][1] == prepare_module.PrepareOptions(folds=5, fold=2, strict=True)
    result, calls = prepare("utkface", "--folds", "5", "--fold", "2", "--test", "0.5")
    assert result.exit_code == 2 and len(calls) == 1


def test_one_option_for_official_folds_and_drawn_ones(prepare):
    result, calls = prepare("with-folds", "--fold", "3")
    assert result.exit_code == 0, result.output
    assert calls[0][0].fold == "3" and calls[0][1].fold == "3"
    prepare("with-folds", "--folds", "5", "--fold", "3")
    assert calls[1][0].fold == 1 and calls[1][1].folds == 5
    prepare("with-folds")
    assert calls[2][0].fold == 1
    prepare("utkface", "--fold", "3")
    assert calls[3][1].fold == "3"
    prepare("with-folds", "--fold", "60-40")
    assert calls[4][0].fold == "60-40"


def test_the_help_knows_every_kind():
    assert tuple(KINDS) == protocol.KINDS
