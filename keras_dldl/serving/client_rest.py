"""What the client's ways to a server have in common, and REST, by the standard library.

See https://www.tensorflow.org/tfx/serving/api_rest.
"""

import base64
import http.client
import json
import logging
import random
import socket
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from time import sleep
from typing import Any
from urllib.parse import quote

from keras_dldl.errors import ServerError

BUSY = (429, 503)
LONGEST_MESSAGE = 500
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 30.0

logger = logging.getLogger(__name__)


class PassingError(ServerError):
    """A failure that may have passed by the next attempt: no connection, or a busy server.

    It may have the seconds after which the server wants to be asked again.
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
            f"`timeout`, or smaller batches. Received: timeout={self.timeout:g}"
        )


def with_retries(function: Callable[[], Any], retries: int) -> Any:
    """Return what `function` returns; call it up to `retries` times more for a `PassingError`.

    The waits grow longer and longer.
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


class Rest(Transport):
    """The way to one model over HTTP.

    Args:
        url: address of the server, up to what precedes `/v1`.
        model: name of the model.
        version: a version, or None for the server's choice.
        timeout: seconds.
        headers: sent with each request.
    """

    def __init__(
        self, url: str, model: str, version: int | None, timeout: float, headers: dict[str, str]
    ):
        which = "" if version is None else f"/versions/{version}"
        super().__init__(f"{url.rstrip('/')}/v1/models/{quote(model, safe='')}{which}", timeout)
        self.headers = {"Content-Type": "application/json", **headers}

    def predict(self, files: list[bytes]) -> dict[str, Any]:
        """Return the outputs by name, which the server sends in columns."""
        encoded = [{"b64": base64.b64encode(file).decode("ascii")} for file in files]
        # NaN is a word that both sides know, see "JSON conformance" in the page above.
        found = self._ask(":predict", json.dumps({"inputs": {"image_bytes": encoded}}).encode())
        outputs = found.get("outputs")
        return outputs if isinstance(outputs, dict) else {}

    def status(self) -> list[dict[str, Any]]:
        """Return `version`, `state` and `error` of each version."""
        return [
            {
                "version": int(one["version"]),
                "state": one["state"],
                "error": one.get("status", {}).get("error_message", ""),
            }
            for one in self._ask("").get("model_version_status", [])
        ]

    def metadata(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the signatures; see `Client.metadata`."""
        found = self._ask("/metadata").get("metadata", {}).get("signature_def", {})
        return {
            name: {
                side: {key: _tensor(one) for key, one in sorted(signature.get(side, {}).items())}
                for side in ("inputs", "outputs")
            }
            for name, signature in found.get("signature_def", {}).items()
            if not name.startswith("__")  # TensorFlow's own
        }

    def close(self) -> None:
        """Nothing stays open between requests."""

    def _ask(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        """Return the answer to a GET, or to a POST of `body`, as plain JSON values."""
        request = urllib.request.Request(self.address + path, body, self.headers)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            raise self._refused(error) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        found = _object(content)
        if found is None:
            raise ServerError(
                f"{self.address}: what answers here is not a model server; it must send a JSON "
                f"object. Received: {content[:60]!r}"
            )
        return found

    def _refused(self, error: urllib.error.HTTPError) -> ServerError:
        with error:
            try:
                content = error.read()
            except (OSError, http.client.HTTPException):
                content = b""
        reason = (_object(content) or {}).get("error")
        if not isinstance(reason, str):
            reason = content.decode("utf-8", "replace").strip()
        message = (
            f"{self.address}: the server refused. Received: {error.code} {reason[:LONGEST_MESSAGE]}"
        )
        if error.code not in BUSY:
            return ServerError(message)
        # HTTP allows a date here too, which is not worth the clock of another machine.
        wait = error.headers.get("Retry-After") or ""
        is_number = wait.isascii() and wait.isdigit()
        return PassingError(message, float(wait) if is_number else None)

    def _unreachable(self, error: Exception) -> ServerError:
        reason = getattr(error, "reason", error)  # of urllib's own error
        if isinstance(reason, (TimeoutError, socket.timeout)):
            return self.too_late()
        message = (
            f"{self.address}: the server cannot be reached, or broke off. Is it running, and is "
            f"this its address? Received: {str(reason) or type(reason).__name__}"
        )
        passes = isinstance(reason, (ConnectionError, http.client.IncompleteRead))
        return PassingError(message) if passes else ServerError(message)


def _object(content: bytes) -> dict[str, Any] | None:
    """Return the JSON object that `content` is; None where it is none."""
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _tensor(info: dict[str, Any]) -> dict[str, Any]:
    sizes = [int(side["size"]) for side in info.get("tensor_shape", {}).get("dim", [])]
    return {
        "dtype": info["dtype"].removeprefix("DT_").lower(),
        "shape": [None if size < 0 else size for size in sizes],
    }
