"""Exports that are one file: written, read again by their own runtime, compared, then named."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl._utils.arguments import check_choice
from keras_dldl._utils.files import atomic_path
from keras_dldl.errors import ConfigError
from keras_dldl.export import conversion, parity
from keras_dldl.export.faces import drawn_faces, faces_of
from keras_dldl.export.folders import check_file_free
from keras_dldl.interpreters import LiteRTInterpreter, OnnxInterpreter
from keras_dldl.models import FaceModel, load_model
from keras_dldl.models.reloading import with_keras as with_keras_model
from keras_dldl.runtime import ModelCard
from keras_dldl.runtime.card import with_litert_card

# So many faces to calibrate on, and as many others to compare on.
FACES = 100
DRAWN_FACES = 24


@dataclass(frozen=True)
class FileFormat:
    """A format: its suffix, the precisions it has, and how it is converted, noted upon, opened.

    `convert` takes the model and `mirror`, and of several precisions one and faces for it.
    """

    suffix: str
    precisions: tuple[str, ...]
    convert: Callable[..., bytes]
    with_card: Callable[[bytes, dict[str, Any]], bytes]
    opened: Callable[[bytes], Any]


FILE_FORMATS = {
    "litert": FileFormat(
        ".tflite", conversion.PRECISIONS, conversion.to_litert, with_litert_card, LiteRTInterpreter
    ),
    "onnx": FileFormat(
        ".onnx", ("float32",), conversion.to_onnx, conversion.with_onnx_card, OnnxInterpreter
    ),
}


def loaded(model: str | os.PathLike | FaceModel) -> FaceModel:
    """Return a model, read where it is a path or a name."""
    return model if isinstance(model, FaceModel) else load_model(model)


def export_file(
    model: str | os.PathLike | FaceModel,
    format: str,
    out: str | os.PathLike,
    precision: str,
    calibrate: str | os.PathLike | None,
    images: str | os.PathLike | None,
    mirror: bool,
    force: bool,
    with_keras: bool,
) -> tuple[Path, int, parity.Parity]:
    """Write a model as one file; see `export_model`, which has the same arguments.

    Returns:
        The file, its size in bytes, and how far it is from Keras.
    """
    chosen = FILE_FORMATS[format]
    check_choice("precision", precision, chosen.precisions)
    if precision == "int8" and calibrate is None:
        raise ConfigError(
            "Full int8 is calibrated on faces: name prepared data, a manifest or a folder of "
            "images (`calibrate=`, command line: --calibrate). Received: calibrate=None"
        )
    if with_keras and (format, precision) != ("litert", "float32"):
        raise ConfigError(
            "`with_keras` (command line: --with-keras) is for litert in float32. "
            f"Received: {format} in {precision}"
        )
    place = Path(out)
    if place.suffix.lower() != chosen.suffix:
        place /= f"model{chosen.suffix}"
    check_file_free(place, force)
    model = loaded(model)
    calibration, compared = _faces(model, calibrate, images)
    quantized = (precision, calibration) if len(chosen.precisions) > 1 else ()
    content = chosen.convert(model, mirror, *quantized)
    card = ModelCard.of_model(model, mirror).to_dict(format, precision=precision)
    content = chosen.with_card(content, card)
    if with_keras:
        content = with_keras_model(content, model)
    network = chosen.opened(content)

    def run(batches: list[np.ndarray]) -> list[dict[str, np.ndarray]]:
        return [network(batch.astype(network.input_dtype)) for batch in batches]

    limits = parity.limits_of(precision, model.grid)
    found = parity.compare(run, model, mirror, limits, parity.in_batches(compared))
    with atomic_path(place) as temporary:
        temporary.write_bytes(content)
        check_file_free(place, force)
    return place, len(content), found


def _faces(
    model: FaceModel, calibrate: str | os.PathLike | None, images: str | os.PathLike | None
) -> tuple[np.ndarray | None, np.ndarray]:
    """Return faces to calibrate on, where that is asked for, and others to compare on."""
    calibration, compared = None, ()
    if calibrate is not None:
        both = faces_of(calibrate, model, 2 * FACES)
        calibration, compared = both[::2], both[1::2]
    if images is not None:
        compared = faces_of(images, model, FACES)
    return calibration, compared if len(compared) else drawn_faces(model, DRAWN_FACES)
