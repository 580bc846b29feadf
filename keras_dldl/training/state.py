"""Checkpoint of a run: all variables and the progress so far, in one file written whole."""

import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl._utils.files import atomic_path
from keras_dldl.errors import TrainingError

_PROGRESS = "progress"
# What numpy and zipfile raise on a file that is cut short or changed.
_DAMAGE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on.

    Attributes:
        progress: plain values: epochs done, history rows, fingerprint of the data, settings.
        arrays: values of all variables of the model, then of the optimizer, in their order.
    """

    progress: dict[str, Any]
    arrays: list[np.ndarray]


def save_checkpoint(path: Path, variables: Sequence[Any], progress: dict[str, Any]) -> None:
    """Write the values of `variables` and `progress` to `path`, whole or not at all.

    One file holds both, so that a killed run never leaves the one without the other.
    """
    content = {f"{index:05d}": np.asarray(variable) for index, variable in enumerate(variables)}
    content[_PROGRESS] = np.frombuffer(json.dumps(progress).encode("utf-8"), dtype=np.uint8)
    with atomic_path(path) as temporary:
        np.savez(temporary, **content)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        TrainingError: the file is damaged.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            progress = json.loads(archive[_PROGRESS].tobytes().decode("utf-8"))
            names = sorted(name for name in archive.files if name != _PROGRESS)
            return Checkpoint(progress, [archive[name] for name in names])
    except _DAMAGE as error:
        raise TrainingError(
            "The checkpoint is damaged and cannot be resumed. Restore the file from a copy, or "
            f"train into another folder. Received: {path} ({' '.join(str(error).split())})."
        ) from error


def restore_variables(variables: Sequence[Any], arrays: Sequence[np.ndarray]) -> None:
    """Give each of `variables` its value back.

    Raises:
        TrainingError: number or shapes differ, so the checkpoint is of another model.
    """
    wanted = [tuple(variable.shape) for variable in variables]
    found = [array.shape for array in arrays]
    if wanted != found:
        raise TrainingError(
            "The checkpoint is of another model or optimizer. Resume with the settings and the "
            "package version the run began with. "
            f"Received: {len(found)} arrays for {len(wanted)} variables, or other shapes."
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
