"""Where numbers come from: the model, the data and the program, as plain JSON values."""

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl import files, saved_models
from keras_dldl.models import FaceModel
from keras_dldl.models.loading import find_model

PACKAGE = Path(__file__).parents[1]
GIT_SECONDS = 10


def identity(model: str | os.PathLike | FaceModel) -> dict[str, Any]:
    """Return what tells this model file from any other, but not where it lies."""
    if isinstance(model, FaceModel):
        return {"name": None, "sha256": None}
    path = find_model(model)
    return {"name": _name_of(path), "sha256": files.sha256_of(path)}


def model_facts(model: FaceModel, named: dict[str, Any]) -> dict[str, Any]:
    """Return what a model is.

    Args:
        model: the model.
        named: what `identity` returned.
    """
    return {
        **named,
        "backbone": model.backbone_name,
        "method": model.method.get_config(),
        "grid": model.grid.get_config(),
        "alignment": model.alignment.get_config(),
        "calibrated": model.calibration is not None,
        "training": model.card.get("training"),
    }


def versions() -> dict[str, Any]:
    """Return the versions of what ran, and the commit where the package is a git checkout."""
    import platform

    import keras

    import keras_dldl

    return {
        "keras_dldl": keras_dldl.__version__,
        "commit": commit(PACKAGE.parent),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def commit(folder: Path) -> str | None:
    """Return the commit of a checkout, with "-dirty" where files differ from it; None elsewhere.

    Args:
        folder: the checkout's root; another repository around it does not count.
    """
    if not (folder / ".git").exists():
        return None
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):  # no git here, or no commit yet
        return None
    return f"{head}-dirty" if changed else head


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=GIT_SECONDS
    )  # fmt: skip
    return done.stdout.strip()


def _name_of(model_file: Path) -> str:
    """Return the name of a shipped model, or else file and folder, such as "run/model.keras"."""
    folder = Path(os.path.abspath(model_file)).parent
    if folder.name in saved_models.names() and folder.samefile(saved_models.folder(folder.name)):
        return folder.name
    return f"{folder.name}/{model_file.name}".lstrip("/")
