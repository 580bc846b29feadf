"""The history, drawn and for TensorBoard."""

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from keras_dldl.training.curves import ScalarLog, draw_curves

ROWS = [
    {"epoch": 1, "loss": 3.0, "mae": 9.0, "val_loss": 4.0, "val_mae": 8.0, "learning_rate": 0.5},
    {"epoch": 2, "loss": 2.0, "mae": 7.0, "val_loss": 3.0, "val_mae": 6.0, "learning_rate": 0.25},
]


def read(folder):
    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(e.step, float(make_ndarray(e.tensor_proto))) for e in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }


def test_what_is_written_is_read_back_once(tmp_path):
    log = ScalarLog(tmp_path / "new", [], "mae")
    log.write(ROWS[0])
    log.close()
    log = ScalarLog(tmp_path / "new", ROWS[:1], "mae")  # as a run that goes on
    log.write(ROWS[1])
    log.close()
    assert read(tmp_path / "new") == {
        "loss/training": [(1, 3.0), (2, 2.0)],
        "loss/validation": [(1, 4.0), (2, 3.0)],
        "mae/training": [(1, 9.0), (2, 7.0)],
        "mae/validation": [(1, 8.0), (2, 6.0)],
        "learning_rate": [(1, 0.5), (2, 0.25)],
    }


def test_without_validation(tmp_path):
    log = ScalarLog(tmp_path, [{"epoch": 1, "loss": 3.0, "error": 9.0}], "error")
    log.close()
    assert set(read(tmp_path)) == {"loss/training", "error/training"}


def test_curves_are_a_picture(tmp_path):
    draw_curves(tmp_path / "curves.png", ROWS, "years")
    draw_curves(tmp_path / "one.png", [{"epoch": 1, "loss": 3.0, "mae": 9.0, "learning_rate": 0.5}])
    draw_curves(tmp_path / "zero.png", [ROWS[0] | {"learning_rate": 0.0}])
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "one.png").stat().st_size > 1000
