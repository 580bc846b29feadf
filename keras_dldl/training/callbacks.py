"""What happens at each step of an epoch: the learning rate, the bar, NaN, and Ctrl-C."""

import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType

import keras

from keras_dldl._utils.progress import progress
from keras_dldl.errors import ConfigError
from keras_dldl.training.history import name_in_words
from keras_dldl.training.optimizer import LearningRate

_LOGGER = logging.getLogger(__name__)


def callback_list(
    callbacks: Sequence[keras.callbacks.Callback], epochs: int, steps: int
) -> keras.callbacks.CallbackList:
    """Return a user's callbacks as one, which know of `epochs` and `steps` as in Keras's `fit`.

    Raises:
        ConfigError: one is no callback of Keras.
    """
    for one in callbacks if isinstance(callbacks, Sequence) else [callbacks]:
        if not isinstance(one, keras.callbacks.Callback):
            raise ConfigError(
                "`callbacks` must be Keras callbacks, made like keras.callbacks.CSVLogger(path). "
                f"Received: {one!r}"
            )
    return keras.callbacks.CallbackList(callbacks, verbose=0, epochs=epochs, steps=steps)


class StepWatch(keras.callbacks.Callback):
    """Sets the learning rate before each step, shows the loss, and stops at a loss not finite.

    Args:
        rate: the learning rate of each step.
        epoch: number of this epoch, from 0.
        epochs: number of all epochs.
        on_bad_loss: called with the number of the batch, from 0, and the loss; it must raise.
        check: called after each step; it may raise to stop.
        images: images of an epoch, for their number a second; `batch_size` of them a step.
        batch_size: likewise.
        metric: name of the metric shown beside the loss.
    """

    def __init__(
        self,
        rate: LearningRate,
        epoch: int,
        epochs: int,
        on_bad_loss: Callable[[int, float], None],
        check: Callable[[], None],
        metric: str = "mae",
        images: int = 0,
        batch_size: int = 0,
    ) -> None:
        super().__init__()
        self.rate = rate
        self.first_step = epoch * rate.steps_per_epoch
        self.label = f"epoch {epoch + 1}/{epochs}"
        self.on_bad_loss = on_bad_loss
        self.check = check
        self.metric = metric
        self.images = images
        self.batch_size = batch_size
        self.last_rate = 0.0
        self._bar = None

    def on_train_begin(self, logs=None):
        """Open the bar."""
        self._bar = progress(total=self.rate.steps_per_epoch, label=self.label)
        self._bar.leave = False

    def on_train_batch_begin(self, batch, logs=None):
        """Set the learning rate of this step."""
        value = self.rate.at(self.first_step + batch)
        if value != self.last_rate:
            # On JAX an epoch's variables live outside the model; it must take them back first.
            getattr(self.model, "jax_state_sync", lambda: None)()
            self.model.optimizer.learning_rate = value
            self.last_rate = value

    def on_train_batch_end(self, batch, logs=None):
        """Show the means of the epoch so far; they are not finite from the first bad batch on."""
        if not math.isfinite(logs["loss"]):
            self.on_bad_loss(batch, logs["loss"])
        shown = f"loss {logs['loss']:.4f}  {name_in_words(self.metric)} {logs[self.metric]:.3f}"
        shown += self._speed(batch)
        self._bar.set_description_str(f"{self.label}  {shown}", refresh=False)
        self._bar.update(1)
        self.check()

    def _speed(self, batch: int) -> str:
        # From the first step's end on: the first also compiles.
        now = time.perf_counter()
        if batch == 0:
            self._first_end = now
        elif self.batch_size:
            done = min((batch + 1) * self.batch_size, self.images) - self.batch_size
            return f"  {done / (now - self._first_end):.0f} images/s"
        return ""

    def close(self) -> None:
        """Close the bar, also after an error."""
        if self._bar is not None:
            self._bar.close()


class Interrupt:
    """Within its block, the first Ctrl-C is kept until `check` is called; the second acts at once.

    Python raises KeyboardInterrupt wherever it happens to be. Inside a finaliser, and TensorFlow's
    objects have many, it is printed and forgotten, and the run would go on.

    Outside the main thread, where signals cannot be caught, the block changes nothing.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before = None

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed."""
        if self.asked:
            raise KeyboardInterrupt

    def __enter__(self) -> "Interrupt":
        # A handler that is not Python's own is somebody's choice: it stays.
        own = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if own and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            signal.default_int_handler(number, frame)
        self.asked = True
        _LOGGER.warning("Stopping after this step; press Ctrl-C again to stop at once.")
