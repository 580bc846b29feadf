"""The run folder: when a run may begin in it, and how to go on with one."""

import shlex
import shutil

import keras
import numpy as np
import pytest

from keras_dldl.errors import TrainingError
from keras_dldl.training.run_folder import (
    RunFolder,
    load_checkpoint,
    restore_variables,
    save_checkpoint,
)


@pytest.fixture
def folder(tmp_path):
    """A run folder of a run that was killed in its first epoch."""
    for name in ("config.yaml", "provenance.json"):
        (tmp_path / name).write_text("{}")
    return RunFolder(tmp_path)


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_killed_in_its_first_epoch_begins_again(folder, resume):
    assert folder.open(resume) is None


def test_killed_between_the_first_model_and_the_first_checkpoint(folder):
    folder.model.write_bytes(b"a model")
    assert folder.open(resume=True) is None


@pytest.mark.parametrize("resume", [False, True])
def test_results_whose_checkpoint_is_gone_are_not_overwritten(folder, resume):
    save_checkpoint(folder.checkpoint, [], {})
    folder.model.write_bytes(b"a model")
    folder.history.write_text("epoch")
    shutil.rmtree(folder.checkpoint.parent)
    with pytest.raises(TrainingError, match="without a checkpoint.*--resume.*--out.*history.csv"):
        folder.open(resume)


@pytest.mark.parametrize("name", ["model.keras", "history.csv"])
def test_a_foreign_model_or_history_is_not_overwritten(tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(TrainingError, match=f"not overwritten.*Received: {name} in "):
        RunFolder(tmp_path).open(resume=False)


def test_the_command_to_resume_can_be_pasted_into_a_shell(tmp_path):
    place = tmp_path / "my run; it's $5"
    words = shlex.split(RunFolder(place).resume_command())
    assert words == ["keras-dldl", "train", "--out", str(place), "--resume"]


@pytest.mark.parametrize("name", ["config.yaml", "thesis.tex"])
def test_a_foreign_folder_is_refused(tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(TrainingError, match=f"new or empty folder.*which holds {name}"):
        RunFolder(tmp_path).open(resume=False)


def test_half_files_of_a_killed_run_are_no_obstacle(tmp_path):
    (tmp_path / ".tmp-abc.json").write_text("{")
    assert RunFolder(tmp_path).open(resume=False) is None


def variables(*values):
    return [keras.Variable(value) for value in values]


def test_values_and_progress_come_back(tmp_path):
    path = tmp_path / "checkpoint" / "state.npz"
    save_checkpoint(path, variables(np.eye(2), np.float32(3)), {"rows": [{"epoch": 1}], "x": "ü"})
    stored = load_checkpoint(path)
    assert stored.progress == {"rows": [{"epoch": 1}], "x": "ü"}
    fresh = variables(np.zeros((2, 2)), np.float32(0))
    restore_variables(fresh, stored.arrays)
    np.testing.assert_array_equal(fresh[0], np.eye(2))
    assert float(fresh[1].value) == 3
    assert [entry.name for entry in path.parent.iterdir()] == ["state.npz"]


def test_order_holds_beyond_ten_variables(tmp_path):
    path = tmp_path / "state.npz"
    save_checkpoint(path, variables(*[np.float32(k) for k in range(120)]), {})
    assert [float(array) for array in load_checkpoint(path).arrays] == list(range(120))


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text"])
def test_damage_is_named(tmp_path, damage):
    path = tmp_path / "state.npz"
    save_checkpoint(path, variables(np.ones((50, 50))), {"rows": []})
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 0xFF
    changed = {"cut": content[: len(content) // 2], "empty": b"", "text": b"hello"}
    path.write_bytes(changed.get(damage, content))
    with pytest.raises(TrainingError, match=r"damaged.*Received: .*state\.npz"):
        load_checkpoint(path)


def test_another_models_values_are_refused(tmp_path):
    path = tmp_path / "state.npz"
    save_checkpoint(path, variables(np.ones(3)), {})
    arrays = load_checkpoint(path).arrays
    for fresh in (variables(np.ones(4)), variables(np.ones(3), np.ones(3))):
        with pytest.raises(TrainingError, match="another model or optimizer"):
            restore_variables(fresh, arrays)
