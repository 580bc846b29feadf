"""`export_model`: write, read again without Keras, compare, and only then give it its name."""

import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl._utils.arguments import check_choice
from keras_dldl._utils.files import atomic_path, write_json
from keras_dldl.errors import ConfigError
from keras_dldl.export import conversion, parity, saved_model
from keras_dldl.export.faces import drawn_faces, faces_of
from keras_dldl.export.folders import check_file_free, new_folder, version_folder
from keras_dldl.export.server_files import write_server_files
from keras_dldl.interpreters import LiteRTInterpreter, OnnxInterpreter, is_installed
from keras_dldl.models import FaceModel, load_model
from keras_dldl.models.reloading import with_keras as with_keras_model
from keras_dldl.runtime import ModelCard
from keras_dldl.runtime.card import SAVED_MODEL_CARD, with_litert_card
from keras_dldl.runtime.opening import converted
from keras_dldl.saved_models import SAVED_MODEL

_LOGGER = logging.getLogger(__name__)
# Number of faces to calibrate on, and of others to compare on.
FACES = 100
DRAWN_FACES = 24


@dataclass(frozen=True)
class FileFormat:
    """A format: its suffix, its precisions, and how to convert to it, describe it and open it.

    `convert` takes the model and `mirror`; for a format of several precisions also one, and faces.
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
FORMATS = ("saved-model", *FILE_FORMATS)


@dataclass(frozen=True)
class ExportResult:
    """What was written: the path, its size in bytes, and its difference from Keras."""

    path: Path
    size: int
    parity: parity.Parity


def export_model(
    model: str | os.PathLike | FaceModel,
    format: str,
    out: str | os.PathLike,
    *,
    version: int | str | None = None,
    mirror: bool = True,
    force: bool = False,
    precision: str = "float32",
    calibrate: str | os.PathLike | None = None,
    images: str | os.PathLike | None = None,
    with_keras: bool = False,
) -> ExportResult:
    """Write a model for a server or a device, and check what was written.

    Writes under a temporary name, reads the export again by a runtime without Keras, and compares
    it with Keras. It gets its name only if both agree: SavedModels to 0.001 on generated images,
    single files on faces, see `parity.limits_of`.

    Args:
        model: a `.keras` file, a run folder, a shipped model's name, or a loaded model.
        format: "saved-model", for TensorFlow Serving and every TensorFlow runtime; "onnx" or
            "litert", one file that describes itself.
        out: the folder to write; also a single file, ending in .onnx or .tflite.
        version: write a SavedModel into `out/<version>/`, as TensorFlow Serving expects; 1 or
            more, or "auto" for the next. Settings for that server are written beside it, see
            `server_files`; those that you changed are kept, unless `force` is given.
        mirror: average the image and its mirror image inside, as `predict_age` does.
        force: replace an earlier export in the same place.
        precision: of "litert": "float32", "float16", "int8-dynamic" or "int8".
        calibrate: faces to calibrate "int8" on: prepared data, a manifest or a folder of images.
        images: faces to compare a single file on; default: others from `calibrate`, or drawn.
        with_keras: for "litert" in "float32": include the Keras model, for `load_model`.

    Raises:
        ConfigError: a bad argument, or a package that the format needs is not installed.
        DataError: there are no faces where they should be.
        FileExistsError: the folder holds something else, or an earlier export without `force`.
        ModelFileError: `model` is not a model of this package.
        ParityError: the export gives other numbers than Keras; nothing is kept.
        OSError: the folder cannot be written.

    >>> export_model("nano-age", "litert", "age.tflite").parity.value < 0.001  # years from Keras
    True
    """
    check_choice("format", format, FORMATS)
    if format in FILE_FORMATS:
        if version is not None:
            raise ConfigError(f"`version` is for SavedModels. Received: version={version}")
        options = precision, calibrate, images, mirror, force, with_keras
        return _export_file(model, format, out, *options)
    if (precision, calibrate, images, with_keras) != ("float32", None, None, False):
        raise ConfigError(
            "`precision`, `calibrate`, `images` and `with_keras` are for the formats onnx and "
            f"litert. Received: precision={precision!r}, calibrate={calibrate!r}, "
            f"images={images!r}, with_keras={with_keras!r}"
        )
    place = Path(out) if version is None else version_folder(Path(out), version)
    return _export_saved_model(model, place, mirror, force, with_server_files=version is not None)


def _export_file(
    model: str | os.PathLike | FaceModel,
    format: str,
    out: str | os.PathLike,
    precision: str,
    calibrate: str | os.PathLike | None,
    images: str | os.PathLike | None,
    mirror: bool,
    force: bool,
    with_keras: bool,
) -> ExportResult:
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
    model = _loaded(model)
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
    return ExportResult(place, len(content), found)


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


def _export_saved_model(
    model: str | os.PathLike | FaceModel,
    place: Path,
    mirror: bool,
    force: bool,
    with_server_files: bool,
) -> ExportResult:
    with new_folder(place, marker=SAVED_MODEL, force=force) as temporary:
        model = _loaded(model)
        saved_model.write(model, temporary, mirror)
        card = ModelCard.of_model(model, mirror).to_dict("saved-model")
        write_json(temporary / SAVED_MODEL_CARD, card)
        found = parity.compare(
            lambda batches: saved_model.run_alone(temporary, batches), model, mirror
        )
        if with_server_files:
            import tensorflow as tf

            write_server_files(place.parent, tf.__version__, force)
        size = sum(path.stat().st_size for path in temporary.rglob("*") if path.is_file())
    return ExportResult(place, size, found)


def _loaded(model: str | os.PathLike | FaceModel) -> FaceModel:
    return model if isinstance(model, FaceModel) else load_model(model)


def keep_light_copy(path: str | os.PathLike) -> None:
    """Make the LiteRT copy now that the first prediction by this model file would make.

    For a process that has loaded TensorFlow: it takes seconds there, and half a minute in a process
    of its own. What fails is only logged.
    """
    path = Path(path)
    if not is_installed("litert") or path.suffix.lower() != ".keras":
        return

    def convert(path: Path, engine: str, suffix: str) -> bytes:
        _LOGGER.info("%s is converted for the engine %s: some seconds, once", path, engine)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / f"model{suffix}"
            export_model(path, engine, place, mirror=False)
            return place.read_bytes()

    try:
        converted(path, "litert", convert)
    except Exception as error:
        _LOGGER.info("The first prediction makes the LiteRT copy. Received, here: %s", error)
