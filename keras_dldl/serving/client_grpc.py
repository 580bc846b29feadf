"""TensorFlow Serving's gRPC interface."""

from typing import Any

import numpy as np

from keras_dldl._utils.serving_messages import DTYPE_NAMES, FLOAT, STRING, message, parse
from keras_dldl.errors import ConfigError, ServerError
from keras_dldl.serving.client_rest import PassingError, Transport

# tensorflow_serving/apis/get_model_status.proto
STATES = {0: "UNKNOWN", 10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}
PREDICTION = "/tensorflow.serving.PredictionService"
MODELS = "/tensorflow.serving.ModelService"
BUSY = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")


class Grpc(Transport):
    """The way to one model over gRPC; see `Rest`.

    Args:
        address: `host:port`.
        secure: encrypt, and check the server's certificate.

    Raises:
        ConfigError: the package grpcio is missing.
    """

    def __init__(
        self,
        address: str,
        secure: bool,
        model: str,
        version: int | None,
        timeout: float,
        headers: dict[str, str],
    ):
        super().__init__(f"{address}, model {model!r}", timeout)
        try:
            import grpc
        except ImportError as error:
            raise ConfigError(
                "gRPC needs the package grpcio: pip install 'keras-dldl[grpc]'; or give an "
                f"address that begins with http://. Received: {error}"
            ) from error
        # By default answers of over 4 MB would be refused.
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        if secure:
            credentials = grpc.ssl_channel_credentials()
            self.channel = grpc.secure_channel(address, credentials, options)
        else:
            self.channel = grpc.insecure_channel(address, options)
        self._error = grpc.RpcError
        self.model = {"name": model, **({} if version is None else {"version": {"value": version}})}
        self.headers = [(name.lower(), value) for name, value in headers.items()]

    def predict(self, files: list[bytes]) -> dict[str, Any]:
        """Return the outputs by name: arrays, and lists of text."""
        shape = {"dim": [{"size": len(files)}]}
        tensor = {"dtype": STRING, "tensor_shape": shape, "string_val": files}
        found = self._ask(
            f"{PREDICTION}/Predict",
            "PredictResponse",
            message(
                "PredictRequest",
                model_spec={**self.model, "signature_name": "serving_default"},
                inputs=[{"key": "image_bytes", "value": tensor}],
            ),
        )
        return {entry.key: _values(entry.value) for entry in found.outputs}

    def status(self) -> list[dict[str, Any]]:
        """Return `version`, `state` and `error` of each version."""
        request = message("GetModelStatusRequest", model_spec=self.model)
        found = self._ask(f"{MODELS}/GetModelStatus", "GetModelStatusResponse", request)
        return [
            {
                "version": one.version,
                "state": STATES.get(one.state, str(one.state)),
                "error": one.status.error_message,
            }
            for one in found.model_version_status
        ]

    def metadata(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the signatures; see `Client.metadata`."""
        request = message(
            "GetModelMetadataRequest", model_spec=self.model, metadata_field=["signature_def"]
        )
        found = self._ask(f"{PREDICTION}/GetModelMetadata", "GetModelMetadataResponse", request)
        packed = {entry.key: entry.value.value for entry in found.metadata}
        signatures = parse("SignatureMap", packed.get("signature_def", b"")).signature_def
        return {
            one.key: {"inputs": _tensors(one.value.inputs), "outputs": _tensors(one.value.outputs)}
            for one in sorted(signatures, key=lambda one: one.key)
            if not one.key.startswith("__")  # TensorFlow's own
        }

    def close(self) -> None:
        """Close the connection."""
        self.channel.close()

    def _ask(self, method: str, answer: str, request: Any) -> Any:
        call = self.channel.unary_unary(
            method,
            request_serializer=lambda given: given.SerializeToString(),
            response_deserializer=lambda content: parse(answer, content),
        )
        try:
            return call(request, timeout=self.timeout, metadata=self.headers)
        except self._error as error:
            raise self._failed(error) from error

    def _failed(self, error: Any) -> ServerError:
        code = error.code().name
        if code == "DEADLINE_EXCEEDED":
            return self.too_late()
        happened = "cannot be reached, or is busy" if code in BUSY else "refused"
        text = f"{self.address}: the server {happened}. Received: {code} {error.details()}"
        return PassingError(text) if code in BUSY else ServerError(text)


def _values(tensor: Any) -> Any:
    """Return a float tensor as an array, a string tensor as a list of text."""
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if tensor.dtype == STRING:
        return [text.decode("utf-8", "replace") for text in tensor.string_val]
    if tensor.dtype != FLOAT:
        raise ServerError(
            "The server's answer is not of use: it must be numbers of the kind float. "
            f"Received: type {tensor.dtype} of shape {shape}"
        )
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, "<f4").reshape(shape)
    return np.asarray(tensor.float_val, np.float32).reshape(shape)


def _tensors(entries: Any) -> dict[str, Any]:
    found = {entry.key: entry.value for entry in entries}
    return {
        name: {
            "dtype": DTYPE_NAMES.get(info.dtype, str(info.dtype)),
            "shape": [None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim],
        }
        for name, info in sorted(found.items())
    }
