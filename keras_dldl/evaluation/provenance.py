"""Where numbers come from: the model, the data and the program, as plain JSON values."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl._utils import files
from keras_dldl.runtime import Network

PACKAGE = Path(__file__).parents[1]
GIT_SECONDS = 10


def model_facts(network: Network) -> dict[str, Any]:
    """Return what a model is, and what tells its file from any other, but not where it lies."""
    card, path = network.card, network.path
    is_file = path is not None and path.is_file()
    return {
        "name": None if path is None else network.name,
        "sha256": files.sha256_of(path) if is_file else None,
        "engine": network.engine,
        "backbone": card.backbone,
        "method": dict(card.method),
        "grid": card.grid.get_config(),
        "alignment": card.alignment.get_config(),
        "calibrated": card.calibration is not None,
        "training": card.notes.get("training"),
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
