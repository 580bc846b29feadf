"""`export_model`: write, read again without Keras, compare, and only then give it its name."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl.errors import ConfigError
from keras_dldl.export import parity, saved_model
from keras_dldl.export.folders import new_folder, version_folder
from keras_dldl.export.server_files import write_server_files
from keras_dldl.models import FaceModel, load_model


@dataclass(frozen=True)
class _Format:
    """A format: how it is written into a folder, how it runs there, how to know it again."""

    write: Callable[[FaceModel, Path, bool], None]
    run: Callable[[Path, list[np.ndarray]], list[dict[str, np.ndarray]]]
    marker: str


FORMATS = {
    "saved-model": _Format(saved_model.write, saved_model.run_alone, saved_model.MARKER),
}


@dataclass(frozen=True)
class ExportResult:
    """What was written: the folder, its size in bytes, and how far it is from Keras."""

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
) -> ExportResult:
    """Write a model for a server, and check what was written.

    The files are written beside their place, read again by a process that has no Keras, and
    compared with Keras on generated images; they get their name only when both agree.

    Args:
        model: a `.keras` file, a run folder, a shipped model's name, or a loaded model.
        format: "saved-model", for TensorFlow Serving and every TensorFlow runtime.
        out: the folder to write.
        version: write into `out/<version>/` instead, as TensorFlow Serving wants it; 1 or more, or
            "auto" for the next. Settings for that server are written beside it, see
            `server_files`; such a file that differs is kept without `force`.
        mirror: average the image and its mirror image inside, as `predict_age` does.
        force: replace an earlier export in the same place.

    Raises:
        ConfigError: an unknown format, or a bad version.
        FileExistsError: the folder holds something else, or an earlier export without `force`.
        ModelFileError: `model` is not a model of this package.
        ParityError: what was written gives other numbers than Keras; nothing is left in place.
        OSError: the folder cannot be written.
    """
    if format not in FORMATS:
        raise ConfigError(f"`format` must be one of {', '.join(FORMATS)}. Received: {format!r}")
    chosen = FORMATS[format]
    place = Path(out) if version is None else version_folder(Path(out), version)
    with new_folder(place, marker=chosen.marker, force=force) as temporary:
        model = model if isinstance(model, FaceModel) else load_model(model)
        chosen.write(model, temporary, mirror)
        _write_card(model, temporary, format, mirror)
        found = parity.compare(lambda batches: chosen.run(temporary, batches), model, mirror)
        if version is not None:
            write_server_files(place.parent, _tensorflow_version(), force)
        size = sum(path.stat().st_size for path in temporary.rglob("*") if path.is_file())
    return ExportResult(place, size, found)


def _tensorflow_version() -> str:
    import tensorflow as tf

    return tf.__version__


def _write_card(model: FaceModel, folder: Path, format: str, mirror: bool) -> None:
    """Write what a client needs to feed the model and read its answers."""
    place = folder / saved_model.CARD_FOLDER / "keras_dldl.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(_card(model, format, mirror), indent=2) + "\n", encoding="utf-8")


def _card(model: FaceModel, format: str, mirror: bool) -> dict[str, Any]:
    import keras_dldl

    return {
        "keras_dldl": keras_dldl.__version__,
        "format": format,
        "task": model.grid.task,
        "unit": model.grid.unit,
        "grid": model.grid.get_config(),
        "labels": model.grid.labels64.tolist(),
        "input_size": model.input_size,
        "alignment": {
            **model.alignment.get_config(),
            "five_points": model.alignment.template(model.input_size).tolist(),
        },
        "mirror_averaged": mirror,
        "backbone": model.backbone_name,
        "method": model.method.get_config(),
    }
