"""Runs that were made before: read, checked to be comparable, and never trained."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl.comparison.naming import differences
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.history import epochs_done, is_stale
from keras_dldl.training.run_folder import RunFolder, data_fingerprint
from keras_dldl.training.state import load_checkpoint

if TYPE_CHECKING:
    from keras_dldl.comparison.cells import Cell
    from keras_dldl.data.prepared import PreparedData


def read_given(
    name: str, folders: str | Sequence[str]
) -> tuple[TrainConfig, tuple[int, ...], dict[int, str]]:
    """Return settings, seeds, and run folders by seed, of runs that differ in nothing but the seed.

    Args:
        name: of the variant, for messages.
        folders: one run folder, or one a seed.

    Raises:
        ConfigError: not run folders, of different settings, or two with one seed.
    """
    folders = [folders] if isinstance(folders, (str, os.PathLike)) else folders
    if not isinstance(folders, (list, tuple)) or not folders:
        raise ConfigError(
            f"`runs` names a run folder, or a list of them. Received: {name}: {folders!r}."
        )
    by_seed: dict[int, str] = {}
    first = _config(folders[0])
    for folder in folders:
        config = _config(folder)
        changed = differences(first, config)
        if changed:
            raise ConfigError(
                "Runs of one name must differ in nothing but the seed. "
                f"Received: {name}: other {', '.join(changed)} in {folder}."
            )
        if config.seed in by_seed:
            raise ConfigError(
                "Runs of one name must each have a seed of its own. "
                f"Received: {name}: seed {config.seed} in {by_seed[config.seed]} and {folder}."
            )
        by_seed[config.seed] = os.path.abspath(folder)
    return first, tuple(sorted(by_seed)), by_seed


def _config(folder: str) -> TrainConfig:
    run = RunFolder(Path(folder))
    if not run.config.exists() or not run.model.exists():
        raise ConfigError(
            "`runs` must name run folders, which `keras-dldl train` writes. "
            f"Received: {folder}, without config.yaml or model.keras."
        )
    return TrainConfig.load(run.config)


def check_given(cell: "Cell", data: "PreparedData") -> None:
    """Raise DataError unless a given run is finished, and of the same faces and splits as `data`.

    Otherwise a face that is measured might have been trained on.
    """
    if not cell.run.checkpoint.exists():
        raise DataError(
            "A run can be compared only with its checkpoint, which says what data it saw. "
            f"Received: {cell.run.path}, without {cell.run.checkpoint.relative_to(cell.run.path)}"
        )
    progress: dict[str, Any] = load_checkpoint(cell.run.checkpoint).progress
    rows = progress["rows"]
    if epochs_done(rows) < cell.config.epochs and not is_stale(rows, cell.config):
        raise DataError(
            "A run can be compared when it is finished; go on with it by "
            f"`{cell.run.resume_command()}`. "
            f"Received: {epochs_done(rows)} of {cell.config.epochs} epochs in {cell.run.path}"
        )
    split = cell.config.validation_split
    splits = ["train", split] if split else ["train"]
    if progress["fingerprint"] != data_fingerprint(data, splits, cell.config.image_weights):
        raise DataError(
            "Runs can be compared only if they saw the same faces in the same splits. "
            f"Received: {cell.run.path}, a run on other data or splits"
        )
