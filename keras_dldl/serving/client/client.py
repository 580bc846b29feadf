"""`Client`: images to a server, predictions back."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_dldl.arguments import check_choice, check_integer, check_number
from keras_dldl.errors import UnreadableImage
from keras_dldl.faces.images import is_batch
from keras_dldl.faces.sources import image_name
from keras_dldl.predict import Prediction
from keras_dldl.serving.client.answers import predictions
from keras_dldl.serving.client.image_files import image_file
from keras_dldl.serving.client.retrying import Retrying
from keras_dldl.serving.client.transports import transport_for

ON_ERROR = ("return", "raise")
# A request of more bytes than this is split, however few images it holds.
REQUEST_BYTES = 2**24


class Client:
    """A model on a server that speaks TensorFlow Serving's REST or gRPC interface.

    TensorFlow is not imported. A client may be used from several threads at once.

    Args:
        url: `http://host:8501` or `https://...` for REST, `grpc://host:8500` or `grpcs://...` for
            gRPC (`pip install "keras-dldl[grpc]"`). A path before `/v1` may follow the port.
        model: the name under which the server has the model.
        version: which version; default: the server's choice, the newest.
        timeout: seconds to wait for an answer. A request that takes longer is not tried again.
        retries: how often a request is tried again, after 0.25, 0.5, 1 ... seconds or what the
            server asks for: where it cannot be reached, or is busy (429 and 503; of gRPC
            UNAVAILABLE and RESOURCE_EXHAUSTED). No other failure is.
        batch_size: most images in one request; the server may have a limit of its own.
        headers: sent with each request, such as `{"Authorization": "Bearer ..."}`.
        task: "age" or "attractiveness", for the unit; default: age where labels are whole numbers.

    Raises:
        ConfigError: an argument is out of its range, or gRPC's package is missing.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        version: int | None = None,
        timeout: float = 30.0,
        retries: int = 4,
        batch_size: int = 32,
        headers: dict[str, str] | None = None,
        task: str | None = None,
    ):
        if version is not None:
            version = check_integer("version", version, minimum=1)
        self.model = model
        self.batch_size = check_integer("batch_size", batch_size, minimum=1)
        self.task = task
        timeout = check_number("timeout", timeout, minimum=0, exclusive=True)
        self._retrying = Retrying(check_integer("retries", retries, minimum=0))
        self._transport = transport_for(url, model, version, timeout, dict(headers or {}))

    def predict(self, images: Any, *, on_error: str | None = None) -> Any:
        """Estimate faces that are cut out already; the server looks for none.

        Args:
            images: a path, bytes, a binary file object, a PIL image, a (H, W, 3) uint8 RGB array,
                or several, as `predict_age` takes them. JPEG and PNG files are sent as they are,
                all else as PNG.
            on_error: what to do where an image cannot be used: "return" its `UnreadableImage` in
                its place (the default for lists), or "raise" it.

        Returns:
            A `Prediction`, or a list of them in order.

        Raises:
            UnreadableImage: see `on_error`.
            ServerError: the server cannot be reached, did not answer in time, or refused.
        """
        many = is_batch(images)
        if on_error is None:
            on_error = "return" if many else "raise"
        check_choice("on_error", on_error, ON_ERROR)
        results: list[Prediction | UnreadableImage] = []
        for group in self._groups(images if many else [images]):
            for result in self._answered(group):
                if on_error == "raise" and isinstance(result, Exception):
                    raise result
                results.append(result)
        return results if many else results[0]

    def status(self) -> list[dict[str, Any]]:
        """Return the versions that the server has, newest first.

        Returns:
            For each `version` (a number), `state` ("AVAILABLE", "LOADING" ...), `error` (text or
            "").

        Raises:
            ServerError: see `predict`; the server has no such model.
        """
        found = self._retrying(self._transport.status)
        return sorted(found, key=lambda one: -one["version"])

    def metadata(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the model's signatures: name -> "inputs", "outputs" -> name -> dtype and shape.

        Raises:
            ServerError: see `predict`.
        """
        return self._retrying(self._transport.metadata)

    def close(self) -> None:
        """Close what is open; the client is of no use then."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _groups(self, images: list[Any]) -> Iterator[list[tuple[str, bytes | UnreadableImage]]]:
        """Yield names and files, in groups that fit into a request."""
        group: list[tuple[str, bytes | UnreadableImage]] = []
        size = 0
        for number, image in enumerate(images, 1):
            name = _name(image, number)
            file = _file_or_error(image, name)
            length = len(file) if isinstance(file, bytes) else 0
            if group and (len(group) == self.batch_size or size + length > REQUEST_BYTES):
                yield group
                group, size = [], 0
            group.append((name, file))
            size += length
        if group:
            yield group

    def _answered(
        self, group: list[tuple[str, bytes | UnreadableImage]]
    ) -> list[Prediction | UnreadableImage]:
        good = [(name, file) for name, file in group if isinstance(file, bytes)]
        found: Iterator = iter(())
        if good:
            names, files = zip(*good, strict=True)
            outputs = self._retrying(lambda: self._transport.predict(list(files)))
            found = iter(predictions(outputs, names, self.task))
        return [next(found) if isinstance(file, bytes) else file for _, file in group]


def _name(image: Any, number: int) -> str:
    name = image_name(image)
    return f"image {number} {name}" if isinstance(image, (bytes, np.ndarray)) else name


def _file_or_error(image: Any, name: str) -> bytes | UnreadableImage:
    try:
        return image_file(image, name)
    except UnreadableImage as error:
        return error
