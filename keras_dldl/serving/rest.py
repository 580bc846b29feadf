"""TensorFlow Serving's REST protocol: model status, metadata, predict.

After its documentation ("RESTful API") and the behaviour of its server: the same addresses, the
same shapes of answers, the same status codes, and `{"error": ...}` for whatever goes wrong.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keras_dldl.serving import tensors
from keras_dldl.serving.refusals import bad_request, not_found
from keras_dldl.serving.registry import ModelTable, Servable
from keras_dldl.serving.service import Service
from keras_dldl.serving.signatures import (
    METHOD_NAME,
    OK,
    SIGNATURES,
    Signature,
    checked_pixels,
    definitions,
    faces_of,
    find_signature,
    outputs,
)

_MODEL = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
_POST = re.compile(_MODEL + ":(classify|regress|predict)", re.IGNORECASE)
_GET = re.compile(_MODEL + "(/metadata)?", re.IGNORECASE)
_NO_NAME = re.compile("/v1/models/?", re.IGNORECASE)
_LARGEST_VERSION = 2**63 - 1
# So many rows are written before anything else would notice.
_FEW = 16
_STATUS_METHODS = {"classify": "classification", "regress": "regression"}


@dataclass(frozen=True)
class _Target:
    """The model that an address names, and by what version or label, if any."""

    name: str
    version: int | None
    label: str | None

    @classmethod
    def of(cls, match: re.Match) -> "_Target":
        """Return the target of an address that `_MODEL` matches."""
        name, version, label = match[1], match[2], match[3]
        if version is not None and int(version[:20]) > _LARGEST_VERSION:
            raise bad_request(f"Failed to convert version: {version[:40]} to numeric.")
        return cls(name, None if version is None else int(version), label)

    def find(self, models: ModelTable) -> Servable:
        """Return the model, the highest version where none is named.

        Raises:
            Refusal: there is no such model, version (404) or label (400).
        """
        version = self.wanted(models)
        found = (
            models.latest(self.name)
            if version is None
            else models.versions.get(self.name, {}).get(version)
        )
        if found is None:
            which = (
                f"Latest({self.name})" if version is None else f"Specific({self.name}, {version})"
            )
            raise not_found(f"Servable not found for request: {which}")
        return found

    def wanted(self, models: ModelTable) -> int | None:
        """Return the version that the address asks for, by number or label; None for any."""
        if self.label is None:
            return self.version
        labels = models.labels.get(self.name, {})
        if self.label not in labels:
            raise bad_request(f"Unrecognized servable version label: {self.label}")
        return labels[self.label]


async def handle(service: Service, request: Request) -> Response:
    """Answer any request under /v1/."""
    method, path = request.method, request.url.path
    if method == "POST" and (match := _POST.fullmatch(path)):
        target = _Target.of(match)
        request.scope["served_model"] = target.name
        async with service.bodies.body(request) as body:
            if match[4].lower() == "predict":
                return await service.answer(request, _predict(service, target, body))
            refuse = partial(_refuse, service, target, match[4].lower(), body)
            return await service.decode(refuse, cost=len(body))
    if method in ("GET", "HEAD") and (match := _GET.fullmatch(path)):
        target = _Target.of(match)
        return _metadata(service, target) if match[4] else _status(service, target)
    if method == "GET" and _NO_NAME.fullmatch(path):
        raise bad_request("Missing model name in request.")
    raise bad_request(f"Malformed request: {method} {path[:200]}")


async def _predict(service: Service, target: _Target, body: bytes) -> Response:
    parse = partial(_parsed, service, target, body)
    model, signature, form, rows, pixels = await service.decode(parse, cost=len(body))
    read = partial(faces_of, signature, rows, model.network.card, service.options.max_pixels)
    faces, statuses = await service.decode(read, cost=pixels)
    p = await service.distributions(model, faces[[status == OK for status in statuses]])

    def write() -> bytes:
        return tensors.answer(outputs(signature, model.network.card, statuses, p), form)

    # Not through a queue: what has come so far must not be refused any more.
    text = write() if len(p) <= _FEW else await asyncio.to_thread(write)
    return Response(text, media_type="application/json")


def _parsed(
    service: Service, target: _Target, body: bytes, between: Callable[[], None]
) -> tuple[Servable, Signature, str, Sequence[Any], int]:
    """Return the model, the signature, the format, the rows, and the pixels of all of these."""
    document = tensors.parse_object(body)
    name = tensors.signature_name(document)
    model = target.find(service.models)
    signature = find_signature(name)
    form, values = tensors.input_values(document, signature.input)
    rows = signature.rows(values)
    pixels = checked_pixels(signature, rows, service.options, between)
    return model, signature, form, rows, pixels


def _refuse(
    service: Service, target: _Target, method: str, body: bytes, between: Callable[[], None]
) -> Response:
    """Refuse classify and regress as TensorFlow Serving does for a model that only predicts."""
    document = tensors.parse_object(body)
    name = tensors.signature_name(document)
    if not isinstance(document.get("examples"), list):
        raise bad_request(
            f"When method is {method}, key 'examples' is expected, an list/array, and was not found"
        )
    target.find(service.models)
    if name and name not in SIGNATURES:
        raise bad_request(f"No signature was found with the name: {name[:100]}")
    raise bad_request(
        f"Expected {_STATUS_METHODS[method]} signature method_name to be "
        f"tensorflow/serving/{method}. Was: {METHOD_NAME}"
    )


def _status(service: Service, target: _Target) -> Response:
    versions = service.models.versions.get(target.name, {})
    wanted = target.wanted(service.models)
    if wanted is None:
        if not versions:
            raise not_found(f"Could not find any versions of model {target.name}")
        chosen = sorted(versions, reverse=True)
    elif wanted in versions:
        chosen = [wanted]
    else:
        raise not_found(f"Could not find version {wanted} of model {target.name}")
    state = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    return JSONResponse(
        {"model_version_status": [{"version": str(version), **state} for version in chosen]}
    )


def _metadata(service: Service, target: _Target) -> Response:
    model = target.find(service.models)
    return JSONResponse(
        {
            "model_spec": {"name": model.name, "signature_name": "", "version": str(model.version)},
            "metadata": {"signature_def": {"signature_def": definitions(model.network.card)}},
        }
    )
