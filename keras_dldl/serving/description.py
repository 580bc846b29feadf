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


MODEL = _parameter("model", "name of a model; without it the first", type="string")
VERSION = _parameter("version", "of the model; without it the highest", type="integer")
LEVEL = _parameter(
    "level", "share of faces whose label the interval holds", type="number", default=0.9
)
DISTRIBUTION = _parameter(
    "distribution", "false: without labels and distributions", type="boolean", default=True
)
LANDMARKS = _parameter(
    "landmarks", "five points x,y,x,y,... that /api/faces gave", required=True, type="string"
)
FORM = _parameter("format", "json, or png for a grey picture", type="string", default="json")


def example(command: str) -> dict[str, Any]:
    """Return what shows a command as the example of an operation; ADDRESS is the server's."""
    return {"x-example": command}


def photo_request(path: str, *parameters: dict) -> dict[str, Any]:
    """Return what describes an operation that takes a photo and `parameters`."""
    photo = {"schema": {"type": "string", "format": "binary"}}
    field = {"type": "object", "properties": {"image": {"type": "string", "format": "binary"}}}
    content = {"image/*": photo, "multipart/form-data": {"schema": field}}
    return {
        "parameters": list(parameters),
        "requestBody": {"required": True, "content": content},
        **example(f'curl --data-binary @photo.jpg "ADDRESS/api/{path}"'),
    }
