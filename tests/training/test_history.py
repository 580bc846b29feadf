import csv

from keras_dldl.training.history import best_row, describe_row, write_history

ROWS = [
    {
        "epoch": epoch, "loss": 3.0, "mae": 9.0, "val_loss": 4.0, "val_mae": mae,
        "learning_rate": 1e-3, "seconds": 1.5,
    }
    for epoch, mae in enumerate([8.0, 6.0, 6.0], 1)
]  # fmt: skip
UNJUDGED = [{k: v for k, v in row.items() if not k.startswith("val")} for row in ROWS]


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
