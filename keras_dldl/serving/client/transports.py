"""The two ways to a server, chosen by the address."""

from typing import Any, Protocol
from urllib.parse import urlsplit

from keras_dldl.errors import ConfigError

SCHEMES = ("http", "https", "grpc", "grpcs")


class Transport(Protocol):
    """A way to one model on one server; all may raise `ServerError`."""

    def predict(self, files: list[bytes]) -> dict[str, Any]:
        """Return the outputs of `serving_default` by name, a row a file."""

    def status(self) -> list[dict[str, Any]]:
        """Return `version`, `state` and `error` of each version."""

    def metadata(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the signatures; see `Client.metadata`."""

    def close(self) -> None:
        """Close what is open."""


def transport_for(
    url: str, model: str, version: int | None, timeout: float, headers: dict[str, str]
) -> Transport:
    """Return the way to `url`.

    Raises:
        ConfigError: it is no address, or gRPC's package is missing.
    """
    scheme, host, port = _checked(url)
    if not isinstance(model, str) or not model:
        raise ConfigError(f"`model` must be the name of a model. Received: model={model!r}")
    if scheme.startswith("http"):
        from keras_dldl.serving.client.rest import Rest

        return Rest(url, model, version, timeout, headers)
    from keras_dldl.serving.client.grpc_transport import Grpc

    where = f"[{host}]" if ":" in host else host
    secure = scheme == "grpcs"
    address = f"{where}:{port or (443 if secure else 8500)}"
    return Grpc(address, secure, model, version, timeout, headers)


def _checked(url: Any) -> tuple[str, str, int | None]:
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
    return scheme, host, port
