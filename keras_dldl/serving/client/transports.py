"""What the ways to a server have in common, and trying them again."""

import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from time import sleep
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


class Transport(ABC):
    """A way to one model on one server; its methods may raise `ServerError`.

    Args:
        address: what to call the server in errors.
        timeout: seconds to wait for an answer.
    """

    def __init__(self, address: str, timeout: float):
        self.address = address
        self.timeout = timeout

    @abstractmethod
    def predict(self, files: list[bytes]) -> dict[str, Any]:
        """Return the outputs of `serving_default` by name: lists or arrays with a row a file."""

    @abstractmethod
    def status(self) -> list[dict[str, Any]]:
        """Return `version`, `state` and `error` of each version."""

    @abstractmethod
    def metadata(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the signatures; see `Client.metadata`."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""

    def too_late(self) -> ServerError:
        """Return the error of a server that did not answer in time."""
        return ServerError(
            f"{self.address}: no answer within {self.timeout:g} seconds. Give a longer "
            "`timeout`, or smaller batches"
        )


def with_retries(function: Callable[[], Any], retries: int) -> Any:
    """Return what `function` returns; call it again while it raises `PassingError`.

    Args:
        function: what to do.
        retries: how often to try again, with longer and longer waits.

    Raises:
        ServerError: the last attempt's, or the first that is not a `PassingError`.
    """
    for attempt in range(retries):
        try:
            return function()
        except PassingError as error:
            # Up to half as long again, so that clients refused together do not return together.
            wait = FIRST_WAIT_SECONDS * 2**attempt * random.uniform(1.0, 1.5)
            wait = min(max(wait, error.wait or 0.0), LONGEST_WAIT_SECONDS)
            logger.info("%s; attempt %d follows in %.2f s", error, attempt + 2, wait)
            sleep(wait)
    return function()
