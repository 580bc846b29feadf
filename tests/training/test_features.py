"""What can be turned on in a run, on whole runs: resumed, repeated, stopped."""

import keras
import numpy as np
import pytest

from keras_dldl import load_model
from keras_dldl.errors import TrainingError
from keras_dldl.training import train
from keras_dldl.training.callbacks import StepWatch
from keras_dldl.training.run_folder import RunFolder, load_checkpoint
from tests.training.small_data import config_of, write_small_data

NAMES = ("loss", "mae", "val_loss", "val_mae", "learning_rate")
# Everything at once that has a state, or that draws.
EVERYTHING = {
    "ema": 0.8, "accumulate": 2, "sampling": "balanced", "freeze": ["stage1"], "freeze_epochs": 1,
    "optimizer": "adamw", "weight_decay": 0.01, "dropout": 0.2,
    "augment": {"mixup": 0.4, "erase": 0.3},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_data(tmp_path_factory.mktemp("data"))


def arrays_of(out):
    return load_checkpoint(RunFolder(out).checkpoint).arrays


def assert_same_run(first, second):
    for a, b in zip(first.rows, second.rows, strict=True):
        assert [a[name] for name in NAMES] == [b[name] for name in NAMES]
    for a, b in zip(arrays_of(first.out), arrays_of(second.out), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_run_with_everything_resumes_exactly(folder, tmp_path):
    config = config_of(folder, **EVERYTHING)
    whole = train(config, tmp_path / "whole")
    # After the first epoch the optimizer is another: the frozen layers join.
    train(config_of(folder, **EVERYTHING, epochs=1), tmp_path / "parts")
    assert_same_run(whole, train(config, tmp_path / "parts", resume=True))


def test_the_saved_model_is_the_judged_one(folder, tmp_path):
    from keras_dldl.data.pipeline import evaluation_dataset
    from keras_dldl.data.prepared import PreparedData

    result = train(config_of(folder, ema=0.9, epochs=1), tmp_path / "run")
    model, absolute = load_model(result.model), []
    dataset = evaluation_dataset(PreparedData(folder), "val", input_size=32, batch_size=4)
    for images, targets in dataset:
        p = np.asarray(model(images, training=False), np.float64)
        absolute.extend(np.abs(p @ np.arange(101.0) - np.asarray(targets)[:, 0]))
    assert np.mean(absolute) == pytest.approx(result.best_val_mae, abs=1e-3)
    # And it is not the one that trains on, whose weights the checkpoint begins with.
    trained = arrays_of(result.out)[0]
    assert not np.array_equal(trained, np.asarray(model.get_layer("stage1_conv1").kernel))


def test_frozen_layers_keep_their_weights_until_they_join(folder, tmp_path):
    init = str(train(config_of(folder, epochs=1), tmp_path / "init").model)
    config = config_of(folder, init=init, freeze=["backbone"], freeze_epochs=1, epochs=1)
    first = load_model(train(config, tmp_path / "run").model)
    before = load_model(init)
    for name in ("stage1_conv1", "stage2_conv1_bn", "logits"):
        same = [
            np.array_equal(a, b)
            for a, b in zip(
                first.get_layer(name).get_weights(),
                before.get_layer(name).get_weights(),
                strict=True,
            )
        ]
        assert all(same) is (name != "logits")
    later = config_of(folder, init=init, freeze=["backbone"], freeze_epochs=1, epochs=2)
    train(later, tmp_path / "run", resume=True)
    kernel = before.get_layer("stage1_conv1").get_weights()[0]
    assert not any(np.array_equal(kernel, array) for array in arrays_of(tmp_path / "run"))


@pytest.mark.slow
def test_half_precision_scales_the_loss_and_resumes_exactly(folder, tmp_path, monkeypatch):
    scales = []
    end = StepWatch.on_train_batch_end

    def watched(self, batch, logs=None):
        scales.append(float(np.asarray(self.model.optimizer.dynamic_scale)))
        end(self, batch, logs)

    monkeypatch.setattr(StepWatch, "on_train_batch_end", watched)
    config = config_of(folder, precision="mixed_float16", ema=0.5)
    whole = train(config, tmp_path / "whole")
    assert scales[0] in (2.0**15, 2.0**14)  # Keras begins with 2^15, and halves at an overflow
    train(config_of(folder, precision="mixed_float16", ema=0.5, epochs=1), tmp_path / "parts")
    assert_same_run(whole, train(config, tmp_path / "parts", resume=True))
    # Weights stay in full precision.
    assert {array.dtype for array in arrays_of(whole.out)} <= {
        np.dtype(name) for name in ("float32", "int32", "int64", "uint32")
    }
    assert keras.config.dtype_policy().name == "float32"


@pytest.fixture
def judged(monkeypatch):
    """Have validation give the MAEs of a list, in order, in place of the model's."""
    values = []

    def evaluate(self, *args, **kwargs):
        return {"loss": 1.0, "mae": values.pop(0)}

    monkeypatch.setattr(keras.Model, "evaluate", evaluate)
    return values


def test_stopping_early_and_going_on_with_more_patience(folder, tmp_path, judged):
    judged += [9.0, 8.0, 7.95, 8.5, 6.0, 5.0]
    config = config_of(folder, epochs=6, patience=2, min_improvement=0.1)
    result = train(config, tmp_path / "run")
    assert (len(result.rows), result.stopped_early, result.best_epoch) == (4, True, 3)
    again = train(config, tmp_path / "run", resume=True)
    assert again.already_finished and again.stopped_early
    more = config_of(folder, epochs=6, patience=3, min_improvement=0.1)
    result = train(more, tmp_path / "run", resume=True)
    assert (len(result.rows), result.stopped_early, result.best_epoch) == (6, False, 6)


def test_lacking_memory_says_what_would_fit(folder, tmp_path, monkeypatch):
    import tensorflow as tf

    def fit(self, *args, **kwargs):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(keras.Model, "fit", fit)
    with pytest.raises(TrainingError, match="8 images .*About 4 should fit: batch_size=4, or accu"):
        train(config_of(folder), tmp_path / "run")
