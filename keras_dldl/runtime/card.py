"""A model's description of itself, where each kind of model file has it, and changing it."""

import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl._utils.arguments import message_of
from keras_dldl._utils.files import write_bytes
from keras_dldl._version import __version__
from keras_dldl.calibration import Calibration, as_calibration
from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import DECODERS, LabelGrid, as_grid
from keras_dldl.saved_models import CARD_FILE

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel

CARD_NAME = "keras_dldl"  # among the `metadata_props` of an ONNX file
SAVED_MODEL_CARD = Path("assets.extra") / CARD_FILE  # where TensorFlow expects files of others
KERAS_CONFIG = "config.json"
SUFFIXES = (".keras", ".tflite")


@dataclass(frozen=True)
class ModelCard:
    """What it takes to feed a model and to read its answers.

    Args:
        name: of the model.
        grid: the label grid.
        input_size: side of the faces it takes, in pixels.
        alignment: how faces are cut out for it, and what finds them.
        decoder: from distribution to value, "expectation" or "median".
        calibration: makes the intervals; None where the model has none.
        mirror_averaged: whether the network itself averages image and mirror image.
        backbone: its name.
        method: the config of the method that it was trained by.
        parameters: their number; None of an export.
        notes: what a `.keras` file remembers of the training; empty of an export.
    """

    name: str
    grid: LabelGrid
    input_size: int
    alignment: Alignment = field(default_factory=Alignment)
    decoder: str = "expectation"
    calibration: Calibration | None = None
    mirror_averaged: bool = False
    backbone: str = ""
    method: Mapping[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_model(cls, model: "FaceModel", mirror_averaged: bool = False) -> "ModelCard":
        """Make the card of a `FaceModel`, or of an export that averages both views itself."""
        return cls(
            model.name,
            model.grid,
            model.input_size,
            model.alignment,
            model.method.decoder,
            model.calibration,
            mirror_averaged,
            model.backbone_name,
            model.method.get_config(),
            model.count_params(),
            model.card,
        )

    def to_dict(self, format: str, **more: Any) -> dict[str, Any]:
        """Return the card as plain JSON values, for an export in `format`, with anything `more`."""
        return {
            "keras_dldl": __version__,
            "format": format,
            "name": self.name,
            "task": self.grid.task,
            "unit": self.grid.unit,
            "grid": self.grid.get_config(),
            "labels": self.grid.labels64.tolist(),
            "decoder": self.decoder,
            "input_size": self.input_size,
            "alignment": {
                **self.alignment.get_config(),
                "five_points": self.alignment.template(self.input_size).tolist(),
            },
            "mirror_averaged": self.mirror_averaged,
            "backbone": self.backbone,
            "method": self.method,
            "calibration": self.calibration and self.calibration.get_config(),
            **more,
        }

    @classmethod
    def from_dict(cls, card: Mapping[str, Any], file: str) -> "ModelCard":
        """Make a card of what `to_dict` gave; `file`, where that stood, is for the error.

        Raises:
            ModelFileError: a value is missing, or of the wrong kind.
        """
        try:
            if card["decoder"] not in DECODERS:
                raise ValueError(f"decoder {card['decoder']!r}")
            grid = LabelGrid.from_config(card["grid"])
            return cls(
                str(card["name"]),
                grid,
                int(card["input_size"]),
                Alignment.from_config(card["alignment"]),
                card["decoder"],
                as_calibration(card.get("calibration"), grid),
                bool(card["mirror_averaged"]),
                str(card["backbone"]),
                dict(card["method"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelFileError(
                "A model file must describe itself as `keras-dldl export` writes it. "
                f"Received: {file}, {type(error).__name__}: {error}"
            ) from error


def read_litert_card(content: bytes) -> dict[str, Any]:
    """Return the card of a `.tflite` file; KeyError, ValueError or BadZipFile if it has none."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return json.loads(archive.read(CARD_FILE))


def with_litert_card(content: bytes, card: dict[str, Any]) -> bytes:
    """Return a `.tflite` file with its card, in an archive at its end, as LiteRT has its own."""
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
        out: the file to write, atomically; it may be the same one.

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
            f"Received: {model_file} ({message_of(error)})"
        ) from error
    write_bytes(out, rewritten)


def _rewritten(content: bytes, suffix: str, calibration: Calibration | None) -> bytes:
    """Replace one entry of the archive, which in a LiteRT file comes after the network."""
    file = KERAS_CONFIG if suffix == ".keras" else CARD_FILE
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        entries = [(entry, old.read(entry)) for entry in old.infolist()]
    stream = io.BytesIO(content[: entries[0][0].header_offset])
    with zipfile.ZipFile(stream, "a") as new:
        for entry, data in entries:
            if entry.filename == file:
                config = json.loads(data)
                card = config["config"] if suffix == ".keras" else config
                found = as_calibration(calibration, as_grid(card["grid"]))
                card["calibration"] = found and found.get_config()
                data = json.dumps(config)
            new.writestr(entry, data)  # an entry keeps its date and its compression
    return stream.getvalue()
