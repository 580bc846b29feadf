"""What the API says of itself, in OpenAPI's words, beyond what its routes tell."""

from typing import Any

ABOUT = (
    "Faces in photos, and what models make of them. For aligned face crops there is TensorFlow "
    "Serving's REST protocol besides, under /v1/models/. Estimates are for research, not for "
    "decisions about people."
)


def _parameter(name: str, description: str, required: bool = False, **schema: Any) -> dict:
    return {
        "name": name, "in": "query", "description": description, "required": required,
        "schema": schema,
    }  # fmt: skip


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
