import csv

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from keras_dldl.training.history import (
    ScalarLog,
    best_row,
    describe_row,
    draw_curves,
    write_history,
)

ROWS = [
    {
        "epoch": epoch, "loss": 3.0, "mae": 9.0, "val_loss": 4.0, "val_mae": mae,
        "learning_rate": 1e-3, "seconds": 1.5,
    }
    for epoch, mae in enumerate([8.0, 6.0, 6.0], 1)
]  # fmt: skip
UNJUDGED = [{k: v for k, v in row.items() if not k.startswith("val")} for row in ROWS]
TWO = [
    {"epoch": 1, "loss": 3.0, "mae": 9.0, "val_loss": 4.0, "val_mae": 8.0, "learning_rate": 0.5},
    {"epoch": 2, "loss": 2.0, "mae": 7.0, "val_loss": 3.0, "val_mae": 6.0, "learning_rate": 0.25},
]


def test_csv_has_the_columns_of_the_contract(tmp_path):
    write_history(tmp_path / "history.csv", ROWS)
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "epoch", "loss", "mae", "val_loss", "val_mae", "learning_rate", "seconds",
    ]  # fmt: skip
    assert [float(row["val_mae"]) for row in rows] == [8, 6, 6]


def test_missing_validation_leaves_columns_empty(tmp_path):
    write_history(tmp_path / "history.csv", UNJUDGED)
    assert (tmp_path / "history.csv").read_text().splitlines()[1] == "1,3.0,9.0,,,0.001,1.5"


def test_best_is_the_first_of_equals_or_else_the_last():
    assert best_row(ROWS)["epoch"] == 2
    assert best_row(UNJUDGED)["epoch"] == 3
    assert best_row([]) is None


def test_line_of_an_epoch():
    assert describe_row(ROWS[1], 3, True) == (
        "epoch 2/3  loss 3.0000  MAE 9.000  val loss 4.0000  val MAE 6.000 (best)"
        "  learning rate 0.001  1.5 s  (00:01 left)"
    )


def test_line_of_the_start_model():
    start = {"epoch": 0, "val_loss": 4.0, "val_mae": 5.0, "seconds": 0.5}
    assert describe_row(start, 3, True) == (
        "before training  val loss 4.0000  val MAE 5.000 (best)  0.5 s"
    )


def read(folder):
    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(e.step, float(make_ndarray(e.tensor_proto))) for e in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }


def test_what_is_written_is_read_back_once(tmp_path):
    log = ScalarLog(tmp_path / "new", [], "mae")
    log.write(TWO[0])
    log.close()
    log = ScalarLog(tmp_path / "new", TWO[:1], "mae")  # as a run that goes on
    log.write(TWO[1])
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
    draw_curves(tmp_path / "curves.png", TWO, "years")
    draw_curves(tmp_path / "one.png", [{"epoch": 1, "loss": 3.0, "mae": 9.0, "learning_rate": 0.5}])
    draw_curves(tmp_path / "zero.png", [TWO[0] | {"learning_rate": 0.0}])
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "one.png").stat().st_size > 1000
