"""What can be asked of a model: the signatures that its SavedModel export has too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
class Signature:
    """One way to ask a model.

    Args:
        input: name of its one input.
        dtype: of it: "string" for image files, which bring a status a row; "uint8" or "float" for
            pixels.
    """

    input: str
    dtype: str

    @property
    def takes_files(self) -> bool:
        """Whether it takes image files, not pixels."""
        return self.dtype == "string"

    def rows(self, values: Any) -> Sequence[Any]:
        """Return a row an image, a file or pixels, from JSON values."""
        if self.takes_files:
            return tensors.strings(values)
        return tensors.pixels(values, self.dtype)

    def pixels(self, row: Any, max_pixels: int) -> int:
        """Return how many pixels a row has."""
        if self.takes_files:
            return declared_pixels(row, max_pixels)
        return row.shape[0] * row.shape[1]

    def face(self, row: Any, number: int, card: ModelCard, max_pixels: int) -> np.ndarray:
        """Return the face of a row, at the size of the model's; `number` is for messages."""
        side = card.input_size
        if self.takes_files:
            row = read_image(row, max_pixels=max_pixels, name=f"image {number}")
        if self.dtype != "float":
            return card.alignment.whole(row, side)
        return row if row.shape[:2] == (side, side) else _resized_floats(row, side)


def checked_pixels(
    signature: Signature,
    rows: Sequence[Any],
    options: ServerOptions,
    between: Callable[[], None],
) -> int:
    """Return how many pixels all rows of a request have, by what they declare."""
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
) -> tuple[np.ndarray, list[str]]:
    """Return the faces of a request, at the size of the model's; of each "ok" or what is wrong."""
    images = np.zeros((len(rows), card.input_size, card.input_size, 3), np.float32)
    status = []
    for i, row in enumerate(rows):
        between()
        try:
            images[i] = signature.face(row, i + 1, card, max_pixels)
            status.append(OK)
        except UnreadableImage as error:
            status.append(str(error))
    return images, status


def _resized_floats(image: np.ndarray, side: int) -> np.ndarray:
    """Return (side, side, 3), resized and rounded as an export does in its graph."""
    from PIL import Image

    channels = [
        Image.fromarray(channel).resize((side, side), Image.Resampling.BICUBIC)
        for channel in np.ascontiguousarray(image.transpose(2, 0, 1))
    ]
    return np.clip(np.rint(np.stack(channels, axis=-1)), 0, 255)


SIGNATURES = {
    DEFAULT: Signature("image_bytes", "string"),
    "images": Signature("images", "uint8"),
    "images_float": Signature("images", "float"),
}


def find_signature(name: str) -> Signature:
    """Return the signature of this name, "" for the default; refuse a name of none."""
    name = name or DEFAULT
    if name not in SIGNATURES:
        raise bad_request(f'Serving signature name: "{name[:100]}" not found in signature def')
    return SIGNATURES[name]


def outputs(
    signature: Signature, card: ModelCard, statuses: list[str], p: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what a signature answers, a row a face: NaN where there is no face to judge.

    Args:
        signature: the signature.
        card: whose grid and decoder are used.
        statuses: those of the faces.
        p: distributions of the faces whose status is "ok", in order, (N, K).
    """
    grid = card.grid
    good = np.array([status == OK for status in statuses])
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
    return {**found, "status": np.array(statuses)} if signature.takes_files else found


def definitions(card: ModelCard) -> dict[str, Any]:
    """Return the signatures as the `signature_def` of TensorFlow Serving's metadata."""
    size = card.grid.size
    shapes = {"value": (-1,), "std": (-1,), "distribution": (-1, size), "labels": (-1, size)}
    found = {}
    for name, signature in SIGNATURES.items():
        shape = (-1,) if signature.takes_files else (-1, -1, -1, 3)
        outputs = {key: _tensor("float", shape, key) for key, shape in shapes.items()}
        if signature.takes_files:
            outputs["status"] = _tensor("string", (-1,), "status")
        found[name] = {
            "inputs": {signature.input: _tensor(signature.dtype, shape, signature.input)},
            "outputs": outputs,
            "method_name": METHOD_NAME,
        }
    return found


def _tensor(dtype: str, shape: tuple[int, ...], name: str) -> dict[str, Any]:
    dimensions = [{"size": str(size), "name": ""} for size in shape]
    return {
        "dtype": f"DT_{dtype.upper()}",
        "tensor_shape": {"dim": dimensions, "unknown_rank": False},
        "name": f"{name}:0",
    }
