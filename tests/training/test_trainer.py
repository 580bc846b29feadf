import importlib.util
import json
import logging
import signal

import keras
import numpy as np
import pytest

from keras_dldl import LabelGrid, load_model
from keras_dldl.calibration import Calibration
from keras_dldl.data.pipeline import batch_paths
from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import ConfigError, DataError, TrainingError
from keras_dldl.evaluation import PreparedFaces, evaluate
from keras_dldl.training import TrainConfig, devices, train
from keras_dldl.training.callbacks import StepWatch
from keras_dldl.training.feed import make_feed
from keras_dldl.training.trainer import check_config, check_manifest_labels
from tests.training.small_data import MINI, config_of, write_small_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def finished(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return train(TrainConfig(data=[str(folder)], **MINI), out)


def test_run_folder_is_complete(finished, folder):
    names = {path.name for path in finished.out.iterdir()}
    assert names == {
        "config.yaml", "provenance.json", "history.csv", "model.keras", "checkpoint", "curves.png",
    }  # fmt: skip
    provenance = json.loads((finished.out / "provenance.json").read_text())
    assert provenance["images"] == {"train": 20, "val": 6}
    assert provenance["left_out"] == []
    assert provenance["versions"]["keras"] == keras.__version__
    assert [row["epoch"] for row in finished.rows] == [1, 2]
    assert not finished.already_finished


def test_model_is_the_best_epochs(finished, folder):
    model = load_model(finished.model)
    assert finished.best_val_mae == min(row["val_mae"] for row in finished.rows)
    assert model.card["training"]["epoch"] == finished.best_epoch
    assert model.alignment == PreparedData(folder).alignment


def test_finished_run_says_so(finished, folder, caplog):
    caplog.set_level(logging.INFO, "keras_dldl")
    (finished.out / "curves.png").unlink()
    result = train(config_of(folder), finished.out, resume=True)
    assert result.already_finished
    assert "This run is finished: 2 of 2 epochs." in caplog.text
    assert (finished.out / "curves.png").exists()


def test_run_folder_in_use(finished, folder):
    with pytest.raises(TrainingError, match=r"--resume, or choose another folder with --out"):
        train(config_of(folder), finished.out)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"batch_size": 4}, "batch_size: 8 before, 4 now"),
        ({"epochs": 1}, "epochs: 2 before, 1 now"),
        ({"augment": {"flip": 0.0}}, "augment"),
        ({"schedule": "cosine", "epochs": 3}, "schedule.*epochs"),
    ],
)
def test_resume_with_other_settings(finished, folder, changes, named):
    with pytest.raises(ConfigError, match=f"only epochs may be raised.*{named}"):
        train(config_of(folder, **changes), finished.out, resume=True)


def test_resume_on_other_data(finished, tmp_path):
    other = write_small_data(tmp_path, seed=1)
    with pytest.raises(
        ConfigError, match="rows of the prepared folders, or the image_weights, are others"
    ):
        train(config_of(other), finished.out, resume=True)


def test_resume_on_moved_data(finished, tmp_path):
    assert train(config_of(write_small_data(tmp_path)), finished.out, resume=True).already_finished


def test_nothing_to_resume(folder, tmp_path):
    with pytest.raises(TrainingError, match="no run to resume"):
        train(config_of(folder), tmp_path / "none", resume=True)


def test_no_data():
    with pytest.raises(ConfigError, match="Training needs data"):
        train(TrainConfig(), "nowhere")


def test_bad_loss_stops_and_names_the_files(folder, tmp_path, monkeypatch):
    config = config_of(folder)
    end_of_batch = StepWatch.on_train_batch_end

    def broken(self, batch, logs=None):
        bad = self.label == "epoch 2/2" and batch == 1
        end_of_batch(self, batch, {**logs, "loss": float("nan")} if bad else logs)

    monkeypatch.setattr(StepWatch, "on_train_batch_end", broken)
    with pytest.raises(TrainingError, match=r"epoch 2, batch 2 of 3\. Try a lower") as caught:
        train(config, tmp_path / "run")
    paths = batch_paths(PreparedData(folder), batch_size=8, seed=0, epoch=1, batch_index=1)
    assert all(path in str(caught.value) for path in paths)
    monkeypatch.undo()
    assert len(train(config, tmp_path / "run", resume=True).rows) == 2


def test_a_diverging_run_stops(folder, tmp_path):
    given = {"epochs": 1, "batch_size": 4, "accumulate": 2, "ema": 0.9}
    config = config_of(folder, learning_rate=1e38, optimizer="sgd", **given)
    with pytest.raises(TrainingError, match="not finite in epoch 1, batch"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run" / "model.keras").exists()


def test_without_validation_the_last_model_stays(tmp_path, caplog):
    data = write_small_data(tmp_path / "data", train=8, val=0)
    result = train(config_of(data, epochs=1), tmp_path / "run")
    assert "no split 'val'" in caplog.text
    assert (result.best_epoch, result.best_val_mae) == (1, None)
    assert load_model(result.model).card["training"]["epoch"] == 1
    with pytest.raises(ConfigError, match="`patience` judges by a validation split"):
        train(config_of(data, patience=3), tmp_path / "other")


def test_the_model_remembers_the_images_it_was_trained_on(finished, folder):
    found = evaluate(finished.model, PreparedFaces(folder, split="train"), leak_check=None).metrics[
        "leak_check"
    ]
    count = len(PreparedData(folder).rows("train"))
    assert found["faces_seen"] == count and found["seen_complete"]
    val = evaluate(finished.model, PreparedFaces(folder, split="val"), leak_check=True)
    assert val.metrics["leak_check"]["faces_seen"] == 0


def test_init_and_mixed_precision_give_a_plain_model(
    finished, folder, tmp_path, monkeypatch, caplog
):
    seconds = {"float32": 0.01, "bfloat16": 0.4}
    monkeypatch.setattr(devices, "seconds_of_convolution", seconds.__getitem__)
    config = config_of(folder, epochs=1, init=str(finished.model), precision="mixed_bfloat16")
    result = train(config, tmp_path / "run")
    assert "This machine emulates bfloat16" in caplog.text
    model = load_model(result.model)
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    stored = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert stored["init"]["left"] == []
    assert len(stored["init"]["copied"]) == 5


def test_a_start_model_is_epoch_0_and_stays_if_nothing_beats_it(finished, folder, tmp_path, caplog):
    caplog.set_level(logging.INFO, "keras_dldl")
    config = config_of(folder, init=str(finished.model), learning_rate=1.0, epochs=1)
    result = train(config, tmp_path / "run")
    assert [row["epoch"] for row in result.rows] == [0, 1]
    assert result.rows[0]["val_mae"] == finished.best_val_mae < result.rows[1]["val_mae"]
    assert (result.epochs, result.best_epoch) == (1, 0)
    assert "before training  val loss" in caplog.text
    assert f"No epoch was better than the weights from {finished.model}" in caplog.text
    start, kept = load_model(finished.model), load_model(result.model)
    assert kept.card == start.card
    for a, b in zip(start.get_weights(), kept.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (result.out / "history.csv").read_text().splitlines()[1].startswith("0,,,")


def test_a_start_model_that_stays_keeps_its_calibration(finished, folder, tmp_path, caplog):
    caplog.set_level(logging.INFO, "keras_dldl")
    start = load_model(finished.model)
    random = np.random.default_rng(0)
    value, std = random.uniform(20, 60, 300), random.uniform(2, 6, 300)
    label = value + random.normal(0, 5, 300)
    start.calibration = Calibration.fit(value, std, label, start.grid)
    start.save(tmp_path / "start.keras")
    settings = {"init": str(tmp_path / "start.keras"), "epochs": 1}

    worse = train(config_of(folder, learning_rate=1.0, **settings), tmp_path / "worse")
    assert worse.best_epoch == 0
    assert load_model(worse.model).calibration == start.calibration

    better = train(config_of(folder, learning_rate=1e-3, **settings), tmp_path / "better")
    assert better.best_epoch == 1 and load_model(better.model).calibration is None

    # Of faces of another size the distributions are others.
    settings |= {"learning_rate": 1.0, "input_size": 48}
    larger = train(config_of(folder, **settings), tmp_path / "larger")
    assert larger.best_epoch == 0 and load_model(larger.model).calibration is None
    assert "is left out: it is of another input size" in caplog.text


def test_a_run_stopped_after_epoch_0_says_how_to_resume_and_does(
    finished, folder, tmp_path, monkeypatch, caplog
):
    # Whatever the errors are, the file is of the last epoch.
    monkeypatch.setattr("keras_dldl.training.run.best_row", lambda rows, metric: rows[-1])
    config = config_of(folder, init=str(finished.model), epochs=1)
    whole = train(config, tmp_path / "whole")
    with monkeypatch.context() as patch:

        def press(self, batch, logs=None):
            signal.raise_signal(signal.SIGINT)

        patch.setattr(StepWatch, "on_train_batch_begin", press)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "parts")
    assert f"keras-dldl train --out {tmp_path / 'parts'} --resume" in caplog.text
    resumed = train(config, tmp_path / "parts", resume=True)
    columns = ("epoch", "val_loss", "val_mae")
    for first, second in zip(whole.rows, resumed.rows, strict=True):
        assert [first[name] for name in columns] == [second[name] for name in columns]
    card, start = load_model(resumed.model).card, load_model(finished.model).card
    assert card["training"]["epoch"] == 1
    assert card["training_images"] == start["training_images"]  # complete: the start's are known


def test_a_start_with_another_head_has_no_epoch_0(finished, tmp_path, caplog):
    data = write_small_data(tmp_path / "data", grid=LabelGrid.scut_fbp())
    result = train(config_of(data, epochs=1, init=str(finished.model)), tmp_path / "run")
    assert [row["epoch"] for row in result.rows] == [1]
    assert "its labels are 0 to 100 by 1, those of the data 1 to 5 by 0.1" in caplog.text
    provenance = json.loads((result.out / "provenance.json").read_text())
    assert provenance["init"]["left"] == ["logits"]


def test_images_of_weight_0_are_not_seen(folder, tmp_path):
    table = tmp_path / "weights.csv"
    kept = [f"train/{k:03d}.jpg" for k in (3, 11)]
    lines = [f"train/{k:03d}.jpg,0" for k in range(20) if f"train/{k:03d}.jpg" not in kept]
    table.write_text("\n".join(["path,weight", *lines]) + "\n")
    config = config_of(folder, epochs=1, image_weights=str(table))
    finished = train(config, tmp_path / "run")
    feed = make_feed(TrainConfig.load(finished.out / "config.yaml"), PreparedData(folder))
    seen = {path for batch in range(feed.steps_per_epoch) for path in feed.paths(0, batch)}
    assert seen == set(kept)
    table.write_text("\n".join(["path,weight", *lines[1:]]) + "\n")
    with pytest.raises(ConfigError, match="or the image_weights, are others now"):
        train(config_of(folder, epochs=2, image_weights=str(table)), tmp_path / "run", resume=True)


def test_a_table_of_weights_that_is_not_there(folder, tmp_path):
    config = config_of(folder, image_weights=str(tmp_path / "none.csv"))
    with pytest.raises(DataError, match=r"none\.csv \(No such file"):
        train(config, tmp_path / "run")


class Told(keras.callbacks.Callback):
    """Keeps what it is told; may end the run after an epoch."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.stop_after = stop_after
        self.events, self.logs = [], []

    def on_train_begin(self, logs=None):
        self.events.append("begin")

    def on_train_end(self, logs=None):
        self.events.append("end")

    def on_train_batch_end(self, batch, logs=None):
        self.events.append(batch)

    def on_epoch_end(self, epoch, logs=None):
        self.events.append(f"epoch {epoch}")
        self.logs.append(dict(logs))
        self.model.stop_training = epoch == self.stop_after


def test_its_config_repeats_the_run_and_callbacks_hear_of_all_of_it(finished, tmp_path):
    told, config = Told(), TrainConfig.load(finished.out / "config.yaml")
    result = train(config, tmp_path / "run", callbacks=[told])
    assert TrainConfig.load(tmp_path / "run" / "config.yaml") == config
    steps = list(range(len([event for event in told.events if isinstance(event, int)]) // 2))
    assert steps and told.events == ["begin", *steps, "epoch 0", *steps, "epoch 1", "end"]
    names = ["loss", "mae", "val_loss", "val_mae", "learning_rate"]
    assert told.logs == [{name: row[name] for name in names} for row in result.rows]
    for first, second in zip(finished.rows, result.rows, strict=True):
        assert [first[name] for name in names] == [second[name] for name in names]


def test_a_callback_can_end_the_run(folder, tmp_path):
    result = train(config_of(folder), tmp_path / "run", callbacks=[Told(stop_after=0)])
    assert [row["epoch"] for row in result.rows] == [1] and result.model.exists()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (
            {"model": "tiny-agenet"},
            "'tiny-age-net', .*Did you mean tiny-age-net.* 'tiny-agenet'",
        ),
        ({"freeze_epochs": 3}, "`freeze_epochs` says how long.*without freeze"),
        ({"accumulate": 9, "batch_size": 8}, "accumulate up to 8.*accumulate=9"),
    ],
)
def test_settings_that_do_not_fit_each_other(settings, reason):
    with pytest.raises(ConfigError, match=reason):
        check_config(TrainConfig(data=["a"], **settings))


def test_tensorboard_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install "keras-dldl\[tensorboard\]"'):
        check_config(TrainConfig(data=["a"], tensorboard=True))


def test_labels_off_the_grid_are_named_by_line(tmp_path):
    folder = write_small_data(tmp_path / "data")
    path = folder / "manifest.csv"
    lines = path.read_text().splitlines()
    for number, label in ((3, "101"), (22, "-0.5")):  # the 22nd is the first of validation
        fields = lines[number - 1].split(",")
        lines[number - 1] = ",".join([fields[0], label, *fields[2:]])
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"Allowed: 0 to 100.*2 of 26 rows; line 3: 101, line 22"):
        train(TrainConfig(data=[str(folder)], batch_size=8), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(DataError, match=r"1 of 20 rows; line 3: 101$"):
        check_manifest_labels(PreparedData(folder), ["train"])
