from types import SimpleNamespace

from keras_dldl.training import callbacks
from keras_dldl.training.callbacks import StepWatch
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.schedule import LearningRate


def test_the_bar_shows_loss_metric_and_images_a_second(monkeypatch):
    shown = []
    bar = SimpleNamespace(
        update=lambda n: None,
        close=lambda: None,
        set_description_str=lambda text, refresh: shown.append(text),
    )
    clock = iter([10.0, 12.0, 13.0])
    monkeypatch.setattr(callbacks, "progress", lambda total, label: bar)
    monkeypatch.setattr(callbacks.time, "perf_counter", lambda: next(clock))
    watch = StepWatch(
        LearningRate(TrainConfig(), 3), 0, 2, None, lambda: None, "mae", images=20, batch_size=8
    )
    watch.on_train_begin()
    for batch in range(3):
        watch.on_train_batch_end(batch, {"loss": 1.5, "mae": 7.25})
    # From the end of the first step on: 8 images in 2 s, then 12 in 3 s.
    assert shown == [
        "epoch 1/2  loss 1.5000  MAE 7.250",
        "epoch 1/2  loss 1.5000  MAE 7.250  4 images/s",
        "epoch 1/2  loss 1.5000  MAE 7.250  4 images/s",
    ]
