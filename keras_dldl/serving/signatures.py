"""What can be asked of a model: the signatures that its SavedModel export has too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from keras_dldl.errors import UnreadableImage
from keras_dldl.faces.images import declared_pixels, read_image
from keras_dldl.runtime import ModelCard
from keras_dldl.serving import tensors
from keras_dldl.serving.options import ServerOptions
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
        rows: from JSON values to a row an image, a file or pixels.
        face: from a row, its number, the side of the model's faces and the most pixels to a face.
        pixels: how many a row has.
        has_status: whether it answers with a status a row.
    """

    input: str
    dtype: str
    shape: tuple[int, ...]
    rows: Callable[[Any], Sequence[Any]]
    face: Callable[[Any, int, ModelCard, int], np.ndarray]
    pixels: Callable[[Any, int], int]
    has_status: bool = False


def checked_pixels(
    signature: Signature,
    rows: Sequence[Any],
    options: ServerOptions,
    between: Callable[[], None],
) -> int:
    """Return how many pixels all images of a request have, by what they declare.

    Args:
        signature: the signature.
        rows: those of the request.
        options: the limits.
        between: called between images.

    Raises:
        Refusal: they have too many (413), or are too many themselves, or none.
    """
    if len(rows) == 0:
        raise bad_request("A request must have at least one image")
    if len(rows) > options.queue:
        raise bad_request(
            f"Task size {len(rows)} is larger than maximum input batch size {options.queue}. "
            "Send it in parts."
        )
    pixels = 0
    for row in rows:
        between()
        pixels += signature.pixels(row, options.max_pixels)
    if pixels > options.max_request_pixels:
        raise Refusal(
            413,
            f"The images of a request may have {options.max_request_pixels} pixels in all. Send "
            f"it in parts, or smaller images. Received: {pixels}",
            "too_large",
        )
    return pixels


def faces_of(
    signature: Signature,
    rows: Sequence[Any],
    card: ModelCard,
    max_pixels: int,
    between: Callable[[], None],
) -> Faces:
    """Return the faces of a request, at the size of the model's.

    Args:
        signature: the signature.
        rows: those of the request.
        card: of the model.
        max_pixels: of one image.
        between: called between images.
    """
    images = np.zeros((len(rows), card.input_size, card.input_size, 3), np.float32)
    status = []
    for i, row in enumerate(rows):
        between()
        try:
            images[i] = signature.face(row, i + 1, card, max_pixels)
            status.append(OK)
        except UnreadableImage as error:
            status.append(str(error))
    return Faces(images, tuple(status))


def _face_of_file(file: bytes, number: int, card: ModelCard, max_pixels: int) -> np.ndarray:
    image = read_image(file, max_pixels=max_pixels, name=f"image {number}")
    return card.alignment.whole(image, card.input_size)


def _face_of_uint8(image: np.ndarray, number: int, card: ModelCard, max_pixels: int) -> np.ndarray:
    return card.alignment.whole(image, card.input_size)


def _face_of_floats(image: np.ndarray, number: int, card: ModelCard, max_pixels: int) -> np.ndarray:
    side = card.input_size
    return image if image.shape[:2] == (side, side) else _resized_floats(image, side)


def _pixels_of_array(image: np.ndarray, max_pixels: int) -> int:
    return image.shape[0] * image.shape[1]


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


SIGNATURES = {
    DEFAULT: Signature(
        "image_bytes", "DT_STRING", (-1,), tensors.strings, _face_of_file, declared_pixels, True
    ),
    "images": Signature(
        "images",
        "DT_UINT8",
        (-1, -1, -1, 3),
        partial(tensors.pixels, dtype="uint8"),
        _face_of_uint8,
        _pixels_of_array,
    ),
    "images_float": Signature(
        "images",
        "DT_FLOAT",
        (-1, -1, -1, 3),
        partial(tensors.pixels, dtype="float"),
        _face_of_floats,
        _pixels_of_array,
    ),
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
    signature: Signature, card: ModelCard, faces: Faces, p: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what a signature answers, a row a face: NaN where there is no face to judge.

    Args:
        signature: the signature.
        card: whose grid and decoder are used.
        faces: what was asked.
        p: distributions of the faces whose status is "ok", in order, (N, K).
    """
    grid = card.grid
    good = np.array([status == OK for status in faces.status])
    rows = np.full((len(good), grid.size), np.nan)
    rows[good] = p
    value, std = np.full(len(good), np.nan), np.full(len(good), np.nan)
    known = np.isfinite(rows).all(axis=1)
    value[known] = grid.decode(rows[known], card.decoder)
    std[known] = grid.std(rows[known])
    found = {
        "value": value.astype(np.float32),
        "std": std.astype(np.float32),
        "distribution": rows.astype(np.float32),
        "labels": np.tile(grid.labels, (len(good), 1)),
    }
    return {**found, "status": np.array(faces.status)} if signature.has_status else found


def definitions(card: ModelCard) -> dict[str, Any]:
    """Return the signatures as the `signature_def` of TensorFlow Serving's metadata."""
    return {
        name: {
            "inputs": {signature.input: _tensor(signature.dtype, signature.shape, signature.input)},
            "outputs": _output_definitions(signature, card.grid.size),
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
