import keras
import numpy as np
import pytest

from keras_dldl.errors import TrainingError
from keras_dldl.training.state import load_checkpoint, restore_variables, save_checkpoint


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
