"""What a report says of the run that its model comes from."""

import pytest

from keras_dldl.evaluation.report import figures
from keras_dldl.evaluation.report.sections import training_part
from keras_dldl.evaluation.training_run import training_run

HEAD = "epoch,loss,mae,val_loss,val_mae,learning_rate,seconds"


def run_folder(folder, *rows):
    (folder / "history.csv").write_text("\n".join([HEAD, *rows, ""]))
    return folder / "model.keras"


@pytest.mark.parametrize(
    ("rows", "epoch", "said"),
    [
        (
            ["0,,,5.5,4.52,,4", "1,5.2,4.2,5.7,4.70,0.001,50", "2,5.0,4.0,5.6,4.61,0.001,50"],
            0,
            "No epoch was better than the start model, so that is the model: its validation MAE "
            "is 4.52 years, and after training 4.61 at best.",
        ),
        (
            ["0,,,5.5,4.52,,4", "1,5.2,4.2,5.3,4.25,0.001,50", "2,5.0,4.0,5.6,4.61,0.001,50"],
            1,
            "The model is of epoch 1 of 2, which has the lowest validation MAE, 4.25 years; before "
            "training it was 4.52.",
        ),
        (
            ["1,5.2,4.2,5.3,4.25,0.001,50", "2,5.0,4.0,5.1,4.05,0.001,50"],
            2,
            "The model is of epoch 2 of 2, which has the lowest validation MAE, 4.05 years.",
        ),
        (
            ["1,5.2,4.2,,,0.001,50"],
            1,
            "The model is of the last epoch: there were no validation faces to choose by.",
        ),
    ],
)
def test_it_says_which_epoch_the_model_is_of(tmp_path, rows, epoch, said):
    run = training_run(run_folder(tmp_path, *rows), "years")
    assert run.kept == said and run.epoch == epoch
    assert [row["epoch"] for row in run.rows] == [int(row[0]) for row in rows]
    shown = training_part(run, "years")
    assert said in shown and "Validation may lie below training" in shown
    assert shown.count("data:image/png;base64,") == 2


def test_the_epoch_kept_is_marked_among_whole_epochs(tmp_path, monkeypatch):
    drawn = []
    keep = lambda figure, *_, **__: drawn.append(figure.axes[0])  # noqa: E731
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", keep)
    rows = ["0,,,5.5,4.52,,4", "1,5.2,4.2,5.3,4.25,0.001,50", "2,5.0,4.0,5.6,4.61,0.001,50"]
    figures.training_curves(training_run(run_folder(tmp_path, *rows), "years"), "mae", "years")
    lines = {line.get_label(): line.get_xydata().tolist() for line in drawn[0].lines}
    assert lines["training"] == [[1, 4.2], [2, 4.0]]
    assert lines["validation"] == [[0, 4.52], [1, 4.25], [2, 4.61]]
    assert [x for x, _ in lines["kept"]] == [1, 1]
    assert all(float(tick).is_integer() for tick in drawn[0].get_xticks())


def test_a_model_elsewhere_has_no_run(tmp_path):
    model = run_folder(tmp_path, "1,5.2,4.2,5.3,4.25,0.001,50")
    assert training_run(None, "years") is None
    assert training_run(model.with_name("other.keras"), "years") is None
    (tmp_path / "history.csv").write_text("epoch,loss,error,val_loss,val_error\n1,2,3,4,5\n")
    assert training_run(model, "years") is None
    (tmp_path / "history.csv").write_text(HEAD + "\n")
    assert training_run(model, "years") is None
    (tmp_path / "history.csv").unlink()
    assert training_run(model, "years") is None
    assert training_part(None, "years") == ""
