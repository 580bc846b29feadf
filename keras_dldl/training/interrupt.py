"""Ctrl-C during training: heard at the end of a step, where nothing can swallow it."""

import logging
import signal
import threading
from types import FrameType

_LOGGER = logging.getLogger(__name__)


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
