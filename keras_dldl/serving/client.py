"""`Client`: images to a server, predictions back."""

import io
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from keras_dldl._utils.arguments import check_integer, check_number
from keras_dldl.errors import ConfigError, ServerError, UnreadableImage
from keras_dldl.faces.images import read_image
from keras_dldl.faces.sources import is_pil_image, opened
from keras_dldl.labels import DECODERS, LabelGrid
from keras_dldl.predict import Prediction
from keras_dldl.predict.functions import one_or_many
from keras_dldl.predict.predictor import numbered_name
from keras_dldl.serving.client_rest import Rest, Transport, with_retries

# A request of more bytes than this is split, however few images it holds.
REQUEST_BYTES = 2**24
SCHEMES = ("http", "https", "grpc", "grpcs")
SENT_AS_THEY_ARE = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # JPEG, PNG
OUTPUTS = ("value", "distribution", "labels", "status")

NamedFile = tuple[str, bytes | UnreadableImage]


class Client:
    """A model on a server that speaks TensorFlow Serving's REST or gRPC interface.

    TensorFlow is not imported. A client may be used from several threads at once.

    Args:
        url: `http://host:8501` or `https://...` for REST, `grpc://host:8500` or `grpcs://...` for
            gRPC (`pip install "keras-dldl[grpc]"`). A path before `/v1` may follow the port.
        model: the name under which the server has the model.
        version: which version; default: the server's choice, the newest.
        timeout: seconds to wait for an answer. A request that takes longer is not repeated.
        retries: how often to repeat a request, after 0.25, 0.5, 1 ... seconds or what the server
            asks for, if the server cannot be reached or is busy (429 and 503; of gRPC UNAVAILABLE
            and RESOURCE_EXHAUSTED). After other failures, requests are not repeated.
        batch_size: largest number of images in one request; the server may have its own limit.
        headers: sent with each request, such as `{"Authorization": "Bearer ..."}`.
        task: "age" or "attractiveness", for the unit; default: age if labels are whole numbers.

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
        self._retries = check_integer("retries", retries, minimum=0)
        self._transport = _transport_for(url, model, version, timeout, dict(headers or {}))

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
        return one_or_many(images, on_error, self._results)

    def status(self) -> list[dict[str, Any]]:
        """Return the versions that the server has, newest first.

        Returns:
            For each `version` (a number), `state` ("AVAILABLE", "LOADING" ...), `error` (text or
            "").

        Raises:
            ServerError: see `predict`; the server has no such model.
        """
        found = with_retries(self._transport.status, self._retries)
        return sorted(found, key=lambda one: -one["version"])

    def metadata(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the model's signatures: name -> "inputs", "outputs" -> name -> dtype and shape.

        Raises:
            ServerError: see `predict`.
        """
        return with_retries(self._transport.metadata, self._retries)

    def close(self) -> None:
        """Close what is open; the client is of no use then."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _results(self, images: Iterable[Any]) -> Iterator[Prediction | UnreadableImage]:
        for group in self._groups(images):
            good = [(name, file) for name, file in group if isinstance(file, bytes)]
            found: Iterator = iter(())
            if good:
                names, files = zip(*good, strict=True)
                ask = partial(self._transport.predict, list(files))
                found = iter(_predictions(with_retries(ask, self._retries), names, self.task))
            yield from (next(found) if isinstance(file, bytes) else file for _, file in group)

    def _groups(self, images: Iterable[Any]) -> Iterator[list[NamedFile]]:
        """Yield names and files, in groups that fit into a request."""
        group: list[NamedFile] = []
        size = 0
        for number, image in enumerate(images, 1):
            name = numbered_name(image, number)
            try:
                file: bytes | UnreadableImage = _file(image, name)
            except UnreadableImage as error:
                file = error
            length = len(file) if isinstance(file, bytes) else 0
            if group and (len(group) == self.batch_size or size + length > REQUEST_BYTES):
                yield group
                group, size = [], 0
            group.append((name, file))
            size += length
        if group:
            yield group


def _transport_for(
    url: str, model: str, version: int | None, timeout: float, headers: dict[str, str]
) -> Transport:
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except (ValueError, AttributeError, TypeError):  # a bad port; not text
        scheme = host = port = None
    if not isinstance(url, str) or scheme not in SCHEMES or not host:
        raise ConfigError(
            "`url` is not valid. It must be an address such as http://localhost:8501 (REST) or "
            f"grpc://localhost:8500. Received: url={url!r}"
        )
    if not isinstance(model, str) or not model:
        raise ConfigError(f"`model` must be the name of a model. Received: model={model!r}")
    if scheme.startswith("http"):
        return Rest(url, model, version, timeout, headers)
    from keras_dldl.serving.client_grpc import Grpc

    secure = scheme == "grpcs"
    where = f"[{host}]" if ":" in host else host
    address = f"{where}:{port or (443 if secure else 8500)}"
    return Grpc(address, secure, model, version, timeout, headers)


def _file(source: Any, name: str) -> bytes:
    """Return the bytes of a JPEG or PNG file; such files are not looked into."""
    if not isinstance(source, np.ndarray) and not is_pil_image(source):
        with opened(source, name) as stream:
            source = stream.read()
        if source.startswith(SENT_AS_THEY_ARE):
            return source
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(read_image(source, name=name)).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _predictions(
    outputs: dict[str, Any], names: Sequence[str], task: str | None
) -> list[Prediction | UnreadableImage]:
    """Return a result for each row of a server's answer."""
    missing = [name for name in OUTPUTS if name not in outputs]
    if missing or any(len(outputs[name]) != len(names) for name in OUTPUTS):
        raise ServerError(
            "The server's answer is not of use. The model must be one that `keras-dldl export "
            f"--format saved-model` wrote: a row an image of {', '.join(OUTPUTS)}. "
            f"Received: {', '.join(sorted(outputs))}, for {len(names)} images"
        )
    rows = zip(names, *(outputs[name] for name in OUTPUTS), strict=True)
    try:
        return [_result(task, *row) for row in rows]
    except (ConfigError, TypeError, ValueError, IndexError, ArithmeticError) as error:
        raise ServerError(
            "The server's answer is not of use. Its rows must be as a model that `keras-dldl "
            f"export` wrote gives them. Received, of one: {error}"
        ) from error


def _result(
    task: str | None, name: str, value: float, distribution: Any, labels: Any, status: str
) -> Prediction | UnreadableImage:
    if status != "ok":
        return UnreadableImage(
            f"{name}: the server cannot use this picture. Give a whole JPEG or PNG file of a "
            f"usual size. Received: {status}"
        )
    # The labels come as float32, in which 1.3 is 1.29999995: no grid is finer than six digits.
    labels = np.asarray(labels, np.float64)
    start, stop = (float(f"{end:.6g}") for end in labels[[0, -1]])
    step = float(f"{(stop - start) / (len(labels) - 1):.6g}")
    grid = LabelGrid(start, stop, step, task or ("age" if step == int(step) else "attractiveness"))
    # The server does not say how the model decodes; its value does.
    found = [Prediction(distribution, grid, decoder=decoder, name=name) for decoder in DECODERS]
    return min(found, key=lambda prediction: abs(prediction.value - value))
