"""What happens at each step: what the bar shows, and Ctrl-C, kept until it is asked for."""

import signal
import threading
from types import SimpleNamespace

import keras
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.training import callbacks
from keras_dldl.training.callbacks import Interrupt, StepWatch, callback_list
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.optimizer import LearningRate


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


def test_those_of_users_know_of_epochs_and_steps_as_in_fit():
    history, csv = keras.callbacks.History(), keras.callbacks.CSVLogger("unused.csv")
    callback_list([history, csv], epochs=3, steps=20)
    assert history.params == csv.params == {"verbose": 0, "epochs": 3, "steps": 20}
    callback_list(history, epochs=4, steps=20)  # one alone, as `fit` takes it
    assert history.params["epochs"] == 4


@pytest.mark.parametrize("given", [[print], [keras.callbacks.History], "csv", None])
def test_what_is_no_callback_is_refused(given):
    with pytest.raises(ConfigError, match="must be Keras callbacks, .* Received: "):
        callback_list(given, epochs=3, steps=20)


def press_ctrl_c():
    # To this thread: a signal to the process may reach another one, and Python hears of it later.
    signal.raise_signal(signal.SIGINT)


def test_the_second_acts_at_once():
    with Interrupt(), pytest.raises(KeyboardInterrupt):
        press_ctrl_c()
        press_ctrl_c()


def test_the_first_is_kept_until_it_is_asked_for_even_in_a_finaliser(caplog):
    class Finalised:
        def __del__(self):
            press_ctrl_c()

    with Interrupt() as interrupt:
        interrupt.check()
        Finalised()
        assert "Stopping after this step" in caplog.text
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()


def test_afterwards_all_is_as_before():
    with Interrupt():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_handler_of_somebody_else_stays():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        with Interrupt() as interrupt:
            press_ctrl_c()
            interrupt.check()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [1]


def test_another_thread_changes_nothing():
    failures = []

    def work():
        try:
            with Interrupt() as interrupt:
                interrupt.check()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failures == []
