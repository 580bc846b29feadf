"""What can be asked of a model: the signatures that its SavedModel export has too."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_dldl.errors import UnreadableImage
from keras_dldl.faces.images import read_image
from keras_dldl.serving import tensors
from keras_dldl.serving.engines import Engine
from keras_dldl.serving.refusals import Refusal, bad_request

DEFAULT = "serving_default"
METHOD_NAME = "tensorflow/serving/predict"
OK = "ok"


@dataclass(frozen=True)
class Faces:
    """What a request brings: faces of the model's size, and of each "ok" or what is wrong."""

    images: np.ndarray
    status: tuple[str, ...]


@dataclass(frozen=True)
class Signature:
    """One way to ask a model.

    Args:
        input: name of its one input.
        dtype: of it, in TensorFlow's names.
        shape: of it, -1 where any size goes.
        read: from JSON values to faces of the model's size.
        has_status: whether it answers with a status a row.
    """

    input: str
    dtype: str
    shape: tuple[int, ...]
    read: Callable[[Any, Engine, int, int], Faces]
    has_status: bool = False


def _read_files(values: Any, engine: Engine, max_pixels: int, most: int) -> Faces:
    files = tensors.strings(values)
    _check_count(len(files), most)
    side = engine.input_size
    images = np.zeros((len(files), side, side, 3), np.float32)
    status = []
    for i, content in enumerate(files):
        try:
            image = read_image(content, max_pixels=max_pixels, name=f"image {i + 1}")
            images[i] = engine.alignment.whole(image, side)
            status.append(OK)
        except UnreadableImage as error:
            status.append(str(error))
    return Faces(images, tuple(status))


def _read_uint8(values: Any, engine: Engine, max_pixels: int, most: int) -> Faces:
    images = tensors.pixels(values, "uint8")
    _check_count(len(images), most)
    resized = [engine.alignment.whole(image, engine.input_size) for image in images]
    return Faces(np.stack(resized).astype(np.float32), (OK,) * len(images))


def _read_floats(values: Any, engine: Engine, max_pixels: int, most: int) -> Faces:
    images = tensors.pixels(values, "float")
    _check_count(len(images), most)
    if images.shape[1:3] != (engine.input_size, engine.input_size):
        images = np.stack([_resized_floats(image, engine.input_size) for image in images])
    return Faces(images, (OK,) * len(images))


def _resized_floats(image: np.ndarray, side: int) -> np.ndarray:
    """Return (side, side, 3), resized and rounded as an export does in its graph."""
    from PIL import Image

    channels = [
        Image.fromarray(np.ascontiguousarray(image[..., c])).resize(
            (side, side), Image.Resampling.BICUBIC
        )
        for c in range(3)
    ]
    return np.clip(np.rint(np.stack([np.asarray(c) for c in channels], axis=-1)), 0, 255)


def _check_count(count: int, most: int) -> None:
    if count == 0:
        raise bad_request("A request must have at least one image")
    if count > most:
        raise bad_request(
            f"Task size {count} is larger than maximum input batch size {most}. Send it in parts."
        )


SIGNATURES = {
    DEFAULT: Signature("image_bytes", "DT_STRING", (-1,), _read_files, has_status=True),
    "images": Signature("images", "DT_UINT8", (-1, -1, -1, 3), _read_uint8),
    "images_float": Signature("images", "DT_FLOAT", (-1, -1, -1, 3), _read_floats),
}


def find_signature(name: str) -> Signature:
    """Return the signature of this name, "" for the default.

    Raises:
        Refusal: there is none.
    """
    name = name or DEFAULT
    if name not in SIGNATURES:
        raise Refusal(400, f'Serving signature name: "{name[:100]}" not found in signature def')
    return SIGNATURES[name]


def outputs(
    signature: Signature, engine: Engine, faces: Faces, p: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what a signature answers, a row a face: NaN where there is no face to judge.

    Args:
        signature: the signature.
        engine: its grid and decoder are used.
        faces: what was asked.
        p: distributions of the faces whose status is "ok", in order, (N, K).
    """
    grid = engine.grid
    good = np.array([status == OK for status in faces.status])
    rows = np.full((len(good), grid.size), np.nan)
    rows[good] = p
    value, std = np.full(len(good), np.nan), np.full(len(good), np.nan)
    known = np.isfinite(rows).all(axis=1)
    value[known] = grid.decode(rows[known], engine.decoder)
    mean = rows[known] @ grid.labels64
    std[known] = np.sqrt(np.maximum(rows[known] @ grid.labels64**2 - mean**2, 0.0))
    found = {
        "value": value.astype(np.float32),
        "std": std.astype(np.float32),
        "distribution": rows.astype(np.float32),
        "labels": np.tile(grid.labels, (len(good), 1)),
    }
    return {**found, "status": np.array(faces.status)} if signature.has_status else found


def definitions(engine: Engine) -> dict[str, Any]:
    """Return the signatures as the `signature_def` of TensorFlow Serving's metadata."""
    return {
        name: {
            "inputs": {signature.input: _tensor(signature.dtype, signature.shape, signature.input)},
            "outputs": _output_definitions(signature, engine.grid.size),
            "method_name": METHOD_NAME,
        }
        for name, signature in SIGNATURES.items()
    }


def _output_definitions(signature: Signature, size: int) -> dict[str, Any]:
    shapes = {"value": (-1,), "std": (-1,), "distribution": (-1, size), "labels": (-1, size)}
    found = {name: _tensor("DT_FLOAT", shape, name) for name, shape in shapes.items()}
    if signature.has_status:
        found["status"] = _tensor("DT_STRING", (-1,), "status")
    return found


def _tensor(dtype: str, shape: tuple[int, ...], name: str) -> dict[str, Any]:
    dimensions = [{"size": str(size), "name": ""} for size in shape]
    return {
        "dtype": dtype,
        "tensor_shape": {"dim": dimensions, "unknown_rank": False},
        "name": f"{name}:0",
    }
