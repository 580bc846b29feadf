"""Whole photos: faces found and judged, and the attention map of one face. For the page."""

import io
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keras_dldl._utils.arguments import did_you_mean
from keras_dldl.errors import ConfigError, ModelFileError, NoFaceFound, UnreadableImage
from keras_dldl.faces.aligner import FaceAligner, FoundFace
from keras_dldl.faces.alignment import spans_a_face
from keras_dldl.faces.images import Photo
from keras_dldl.predict.prediction import (
    DEFAULT_LEVEL,
    check_level,
    photo_to_dict,
    predictions_of,
)
from keras_dldl.serving.bodies import picture_in
from keras_dldl.serving.refusals import Refusal, bad_request, not_found
from keras_dldl.serving.registry import Servable
from keras_dldl.serving.service import Service

# More faces than this in one photo are not judged: the largest ones are.
MOST_FACES = 100
POINTS = 10
# A crop with its border may be this many times as large as the picture's longer side.
LARGEST_CROP = 2.0


def _parameter(name: str, description: str, required: bool = False, **schema: Any) -> dict:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "required": required,
        "schema": schema,
    }


def _photo_request(path: str, *parameters: dict) -> dict[str, Any]:
    """Return what describes an operation that takes a photo; ADDRESS is the server's."""
    photo = {"schema": {"type": "string", "format": "binary"}}
    field = {"type": "object", "properties": {"image": {"type": "string", "format": "binary"}}}
    content = {"image/*": photo, "multipart/form-data": {"schema": field}}
    return {
        "parameters": list(parameters),
        "requestBody": {"required": True, "content": content},
        "x-example": f'curl --data-binary @photo.jpg "ADDRESS/api/{path}"',
    }


# What the API says of itself, in OpenAPI's words, beyond what its routes tell.
_MODEL = _parameter("model", "name of a model; without it the first", type="string")
_VERSION = _parameter("version", "of the model; without it the highest", type="integer")
MODELS = {"x-example": "curl ADDRESS/api/models"}
FACES = _photo_request(
    "faces",
    _MODEL,
    _VERSION,
    _parameter(
        "level", "share of faces whose label the interval holds", type="number", default=0.9
    ),
    _parameter(
        "distribution", "false: without labels and distributions", type="boolean", default=True
    ),
)
ATTENTION = _photo_request(
    "attention?landmarks=...",
    _parameter(
        "landmarks", "five points x,y,x,y,... that /api/faces gave", required=True, type="string"
    ),
    _MODEL,
    _VERSION,
    _parameter("format", "json, or png for a grey picture", type="string", default="json"),
)


def models(service: Service) -> Response:
    """Answer what can be asked: `GET /api/models`."""
    listed = []
    for name, versions in service.models.versions.items():
        latest = service.models.latest(name)
        card = latest.network.card
        grid = {key: getattr(card.grid, key) for key in ("task", "unit", "start", "stop", "step")}
        known = {"input_size": card.input_size, "about": latest.about}
        listed.append({"name": name, "versions": sorted(versions), **grid, **known})
    return JSONResponse({"models": listed})


async def faces(service: Service, request: Request) -> Response:
    """Answer a photo with its faces: `POST /api/faces`."""
    _check_parameters(request, FACES)
    model, level = _model(service, request), _level(request)
    distribution = _choice(request, "distribution", ("true", "false")) == "true"
    async with service.bodies.body(request) as body:
        work = _faces(service, picture_in(request, body), model, level, distribution)
        return await service.answer(request, work)


async def _faces(
    service: Service, picture: bytes, model: Servable, level: float, distribution: bool
) -> Response:
    job = partial(_find, service, model, picture)
    photo, found, left_out = await service.look_at_photo(picture, job)
    card = model.network.card
    side = card.input_size
    crops = np.array([one.crop for one in found], np.float32).reshape(-1, side, side, 3)
    p = await service.distributions(model, crops)
    try:
        predictions = predictions_of(card, found, p)
    except ModelFileError as error:
        raise Refusal(500, str(error), "failed") from None
    height, width = photo.shape
    return JSONResponse(
        {
            **photo_to_dict(model.network, predictions, level, distribution=distribution),
            "model": model.name,
            "version": model.version,
            "width": width,
            "height": height,
            "left_out": left_out,
        }
    )


def _find(
    service: Service, model: Servable, picture: bytes, between: Callable[[], None]
) -> tuple[Photo, list[FoundFace], int]:
    """Return the photo, its largest faces from left to right, and how many are left out."""
    card = model.network.card
    photo = _photo(service, picture)
    aligner = FaceAligner(card.alignment, service.detector)
    between()
    (found,) = aligner.find([photo], card.input_size, all_faces=True)
    between()
    if isinstance(found, NoFaceFound):
        return photo, [], 0
    if isinstance(found, Exception):
        raise Refusal(500, str(found), "failed")
    most = min(MOST_FACES, service.options.queue)
    chosen = {id(one) for one in sorted(found, key=lambda one: one.face.area)[-most:]}
    return photo, [one for one in found if id(one) in chosen], max(0, len(found) - most)


async def attention(service: Service, request: Request) -> Response:
    """Answer a photo and five points with the attention map there: `POST /api/attention`."""
    _check_parameters(request, ATTENTION)
    model, points = _model(service, request), _points(request)
    form = _choice(request, "format", ("json", "png"))
    async with service.bodies.body(request) as body:
        picture = picture_in(request, body)
        job = partial(_attention, service, model, points, form, picture)
        return await service.answer(request, service.look_at_photo(picture, job))


def _attention(
    service: Service,
    model: Servable,
    points: np.ndarray,
    form: str,
    picture: bytes,
    between: Callable[[], None],
) -> Response:
    card = model.network.card
    photo = _photo(service, picture)
    corners = card.alignment.corners(points)
    _check_corners(corners, photo.shape)
    crop = photo.align(card.alignment, points, card.input_size)
    between()
    try:
        maps = model.maps
    except ConfigError as error:
        raise Refusal(501, str(error), "unsupported") from None
    attention, rows = maps.attention_with_mirror(crop[None])[0], maps.covered[0]
    corners[2:] = corners[1::-1] + rows * (corners[2:] - corners[1::-1])
    if form == "png":
        height = round(rows * card.input_size)
        return Response(_png(attention, height, card.input_size), media_type="image/png")
    return JSONResponse(
        {"model": model.name, "attention": attention.tolist(), "corners": corners.tolist()}
    )


def _png(attention: np.ndarray, height: int, width: int) -> bytes:
    from PIL import Image

    from keras_dldl.explain import resize_map

    grey = np.rint(255 * resize_map(attention, height, width)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "PNG")
    return stream.getvalue()


def _check_corners(corners: np.ndarray, shape: tuple[int, int]) -> None:
    """Refuse a crop that lies far outside the picture, or is far larger than it."""
    height, width = shape
    reach = LARGEST_CROP * max(height, width)
    centre = np.abs(corners.mean(axis=0) - [width / 2, height / 2]).max()
    if np.ptp(corners, axis=0).max() > reach or centre > reach:
        raise bad_request(
            "landmarks must be the points of a face in the picture. Received: points whose crop is "
            f"far outside the picture of {width} x {height} pixels"
        )


def _photo(service: Service, picture: bytes) -> Photo:
    try:
        return Photo(picture, max_pixels=service.options.max_pixels, name="the picture")
    except UnreadableImage as error:
        raise Refusal(400, str(error), "unreadable") from None


def _check_parameters(request: Request, operation: dict[str, Any]) -> None:
    known = [one["name"] for one in operation["parameters"]]
    for name in request.query_params:
        if name not in known:
            raise bad_request(
                f"The parameters of {request.url.path} are {', '.join(known)}."
                f"{did_you_mean(name, known)} Received: {name[:40]!r}"
            )


def _model(service: Service, request: Request) -> Servable:
    """Return the model that `model` and `version` of the address name; without, the first."""
    wanted = request.query_params
    name = wanted.get("model") or next(iter(service.models.versions))
    version = wanted.get("version")
    if version is None:
        found = service.models.latest(name)
    else:
        number = int(version) if version.isdecimal() and len(version) < POINTS else -1
        found = service.models.versions.get(name, {}).get(number)
    if found is None:
        which = "" if version is None else f" in version {version[:40]}"
        raise not_found(
            f"No model named {name[:100]!r} is being served{which}. /api/models lists those that "
            f"are. Received: {request.url.query[:100]}"
        )
    request.scope["served_model"] = found.name
    return found


def _level(request: Request) -> float:
    given = request.query_params.get("level", str(DEFAULT_LEVEL))
    try:
        return check_level(float(given))
    except ValueError:
        raise bad_request(
            f"level must be a number between 0 and 1. Received: {given[:40]!r}"
        ) from None


def _choice(request: Request, name: str, allowed: tuple[str, str]) -> str:
    """Return what the address says of `name`, the first of `allowed` where it says nothing."""
    given = request.query_params.get(name, allowed[0])
    if given not in allowed:
        raise bad_request(f"{name} must be {' or '.join(allowed)}. Received: {given[:40]}")
    return given


def _points(request: Request) -> np.ndarray:
    """Return the five points of the address, (5, 2)."""
    text = request.query_params.get("landmarks", "")
    try:
        numbers = [float(number) for number in text.split(",")]
    except ValueError:
        numbers = []
    allowed = len(numbers) == POINTS and all(math.isfinite(n) and abs(n) < 1e6 for n in numbers)
    points = np.reshape(numbers, (5, 2)) if allowed else np.zeros((5, 2))
    if not allowed or not spans_a_face(points):
        raise bad_request(
            "landmarks must be five points as x,y,x,y,x,y,x,y,x,y in the picture's pixels: left "
            f"eye, right eye, nose, left and right corner of the mouth. Received: {text[:100]}"
        )
    return points
