"""Where the card lies in each kind of model file, and changing it, the networks left untouched."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

from keras_dldl._utils import files
from keras_dldl.calibration import Calibration, as_calibration
from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.labels import as_grid
from keras_dldl.saved_models import CARD_FILE

CARD_NAME = "keras_dldl"  # among the `metadata_props` of an ONNX file
SAVED_MODEL_CARD = Path("assets.extra") / CARD_FILE  # where TensorFlow expects files of others
KERAS_CONFIG = "config.json"
SUFFIXES = (".keras", ".tflite")


def read_litert_card(content: bytes) -> dict[str, Any]:
    """Return the card of a `.tflite` file.

    Raises:
        KeyError, ValueError, zipfile.BadZipFile: there is none.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return json.loads(archive.read(CARD_FILE))


def with_litert_card(content: bytes, card: dict[str, Any]) -> bytes:
    """Return a `.tflite` file with its card: an archive at its end, as LiteRT's own metadata are.

    Args:
        content: of a file without one.
        card: JSON values.
    """
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a") as archive:
        # A fixed date: the same model gives the same file.
        archive.writestr(zipfile.ZipInfo(CARD_FILE), json.dumps(card))
    return stream.getvalue()


def write_calibrated(
    model_file: str | os.PathLike, calibration: Calibration | None, out: str | os.PathLike
) -> None:
    """Write a model file again, with a calibration in it, or without the one it had.

    Args:
        model_file: a `.keras` file, or a `.tflite` file that `keras-dldl export` wrote.
        calibration: of this model; None takes away what is there.
        out: the file to write, whole or not at all; it may be the same one.

    Raises:
        ModelFileError: it is not such a file.
        ConfigError: the calibration is of another grid, or `out` is of another kind.
        OSError: a file cannot be read or written.
    """
    model_file, out = Path(model_file), Path(out)
    suffix = model_file.suffix.lower()
    if suffix not in SUFFIXES or out.suffix.lower() != suffix:
        raise ConfigError(
            "A calibration is written into a .keras or .tflite file, from one of its kind. "
            f"Received: {model_file}, to {out}"
        )
    content = model_file.read_bytes()
    try:
        rewritten = _rewritten(content, suffix, calibration)
    except (KeyError, TypeError, ValueError, IndexError, zipfile.BadZipFile) as error:
        if isinstance(error, ConfigError):
            raise
        raise ModelFileError(
            "A model file must be one that this package wrote. "
            f"Received: {model_file} ({str(error).strip() or type(error).__name__})"
        ) from error
    files.write_bytes(out, rewritten)


def _rewritten(content: bytes, suffix: str, calibration: Calibration | None) -> bytes:
    """Replace one entry of the archive, which in a LiteRT file stands behind the network."""
    file = KERAS_CONFIG if suffix == ".keras" else CARD_FILE
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        entries = [(entry, old.read(entry)) for entry in old.infolist()]
    stream = io.BytesIO(content[: entries[0][0].header_offset])
    with zipfile.ZipFile(stream, "a") as new:
        for entry, data in entries:
            if entry.filename == file:
                config = json.loads(data)
                _put(config["config"] if suffix == ".keras" else config, calibration)
                data = json.dumps(config)
            new.writestr(entry, data)  # an entry keeps its date and its compression
    return stream.getvalue()


def _put(config: dict[str, Any], calibration: Calibration | None) -> None:
    found = as_calibration(calibration, as_grid(config["grid"]))
    config["calibration"] = found and found.get_config()
