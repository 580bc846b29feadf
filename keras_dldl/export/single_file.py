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
from keras_dldl.models import FaceModel
from keras_dldl.models.reloading import with_keras
from keras_dldl.runtime import ModelCard
from keras_dldl.runtime.card import with_litert_card

# So many faces to calibrate on, and as many others to compare on.
FACES = 100
DRAWN_FACES = 24


@dataclass(frozen=True)
class FileFormat:
    """A format: its suffix, the precisions it has, and how it is converted, noted upon, opened."""

    suffix: str
    precisions: tuple[str, ...]
    convert: Callable[[FaceModel, bool, str, np.ndarray | None], bytes]
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


@dataclass(frozen=True)
class FileOptions:
    """What single files can be told; see `export_model` for the meaning of each."""

    precision: str = "float32"
    calibrate: str | os.PathLike | None = None
    images: str | os.PathLike | None = None
    mirror: bool = True
    force: bool = False
    with_keras: bool = False


def check_options(format: str, out: str | os.PathLike, options: FileOptions) -> Path:
    """Return the file to write, `out` or one in it, once it is clear that it may be written.

    Raises:
        ConfigError: the format has no such precision, "int8" is without faces, or the file cannot
            hold the Keras model.
        FileExistsError: there is a file already, and `force` is not set.
    """
    chosen = FILE_FORMATS[format]
    check_choice("precision", options.precision, chosen.precisions)
    if options.precision == "int8" and options.calibrate is None:
        raise ConfigError(
            "Full int8 is calibrated on faces: name prepared data, a manifest or a folder of "
            "images (`calibrate=`, command line: --calibrate). Received: calibrate=None"
        )
    if options.with_keras and (format, options.precision) != ("litert", "float32"):
        raise ConfigError(
            "`with_keras` (command line: --with-keras) is for litert in float32. "
            f"Received: {format} in {options.precision}"
        )
    place = Path(out)
    if place.suffix.lower() != chosen.suffix:
        place /= f"model{chosen.suffix}"
    check_file_free(place, options.force)
    return place


def write_file(
    model: FaceModel, format: str, place: Path, options: FileOptions
) -> tuple[int, parity.Parity]:
    """Write a model as one file, and return its size in bytes and how far it is from Keras.

    Raises:
        ParityError: it gives other numbers than Keras; nothing is left in place.
        DataError: no faces are where they should be.
        OSError: it cannot be written.
    """
    chosen = FILE_FORMATS[format]
    calibration, compared = _faces(model, options)
    content = chosen.convert(model, options.mirror, options.precision, calibration)
    card = ModelCard.of_model(model, options.mirror)
    content = chosen.with_card(content, card.to_dict(format, precision=options.precision))
    if options.with_keras:
        content = with_keras(content, model)
    network = chosen.opened(content)

    def run(batches: list[np.ndarray]) -> list[dict[str, np.ndarray]]:
        return [network(batch.astype(network.input_dtype)) for batch in batches]

    limits = parity.limits_of(options.precision, model.grid)
    batches = parity.in_batches(compared)
    found = parity.compare(run, model, options.mirror, limits, batches)
    with atomic_path(place) as temporary:
        temporary.write_bytes(content)
        check_file_free(place, options.force)
    return len(content), found


def _faces(model: FaceModel, options: FileOptions) -> tuple[np.ndarray | None, np.ndarray]:
    """Return faces to calibrate on, where that is asked for, and others to compare on."""
    calibration = None
    if options.calibrate is not None:
        both = faces_of(options.calibrate, model, 2 * FACES)
        calibration, rest = both[::2], both[1::2]
    if options.images is not None:
        return calibration, faces_of(options.images, model, FACES)
    if calibration is not None and len(rest):
        return calibration, rest
    return calibration, drawn_faces(model, DRAWN_FACES)
