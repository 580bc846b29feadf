"""Trying again, where that can help and does no harm."""

import logging
import random
import time
from collections.abc import Callable
from typing import Any

from keras_dldl.errors import ServerError

FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 30.0

logger = logging.getLogger(__name__)


class PassingError(ServerError):
    """A failure that may have passed by the next attempt: no connection, or a busy server.

    Args:
        message: as of any error.
        wait: seconds after which the server wants to be asked again; None if it does not say.
    """

    def __init__(self, message: str, wait: float | None = None):
        super().__init__(message)
        self.wait = wait


class Retrying:
    """Calls a function again while it raises `PassingError`, with longer and longer waits.

    Args:
        retries: how often at most; 0 or more.
        sleep: waits for a number of seconds.
    """

    def __init__(self, retries: int, sleep: Callable[[float], None] = time.sleep):
        self.retries = retries
        self.sleep = sleep

    def __call__(self, function: Callable[[], Any]) -> Any:
        """Return what `function` returns.

        Raises:
            ServerError: the last attempt's, or the first that is not a `PassingError`.
        """
        for attempt in range(self.retries):
            try:
                return function()
            except PassingError as error:
                wait = _wait(attempt, error.wait)
                logger.info("%s; attempt %d follows in %.2f s", error, attempt + 2, wait)
                self.sleep(wait)
        return function()


def _wait(attempt: int, asked_for: float | None) -> float:
    # Up to half as long again, so that clients refused together do not come back together.
    wait = FIRST_WAIT_SECONDS * 2**attempt * random.uniform(1.0, 1.5)
    return min(max(wait, asked_for or 0.0), LONGEST_WAIT_SECONDS)
