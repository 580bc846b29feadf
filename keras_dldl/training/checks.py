"""What is refused before the first step, and before anything heavy is done."""

import importlib.util
from collections.abc import Sequence
from typing import Any

from keras_dldl.errors import ConfigError, DataError
from keras_dldl.training.config import TrainConfig

_SHOWN = 5


def check_config(config: TrainConfig) -> None:
    """Raise `ConfigError` for what the settings alone show to be wrong."""
    from keras_dldl.models.backbones import check_backbone

    check_backbone(config.model)
    if not config.data:
        raise ConfigError(
            "Training needs data: prepared folders, by --data or `data:`. Received: none."
        )
    if config.freeze_epochs is not None and not config.freeze:
        raise ConfigError(
            "`freeze_epochs` says how long, and `freeze` what. Allowed: both, or `freeze` alone. "
            f"Received: freeze_epochs={config.freeze_epochs} without freeze."
        )
    if config.accumulate > config.batch_size:
        raise ConfigError(
            f"A batch has no more parts than images. Allowed: accumulate up to {config.batch_size},"
            f" the batch_size. Received: accumulate={config.accumulate}."
        )
    if config.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise ConfigError(
            'TensorBoard is not installed. Allowed: pip install "keras-dldl[tensorboard]", or '
            "tensorboard=false. Received: tensorboard=true."
        )


def check_validation(config: TrainConfig) -> None:
    """Raise `ConfigError` if something needs a validation split, and the data have none."""
    if config.patience is not None and config.validation_split is None:
        raise ConfigError(
            "`patience` judges by a validation split, and there is none. Allowed: patience=null, "
            "or data with the split; `keras-dldl split` draws one. "
            f"Received: patience={config.patience}."
        )


def check_labels(data: Any, splits: Sequence[str]) -> None:
    """Raise `DataError` for labels that are off the label grid; names file and lines."""
    from keras_dldl.data.manifest import line_number

    grid = data.grid
    for folder in data.folders:
        rows = folder.manifest[folder.manifest["split"].isin(splits)]
        bad = rows[~rows["label"].between(grid.start, grid.stop)]
        if len(bad):
            shown = [
                f"line {line_number(index)}: {label:g}"
                for index, label in bad["label"].head(_SHOWN).items()
            ]
            raise DataError(
                f"A label is off the label grid. Allowed: {grid.start:g} to {grid.stop:g}. "
                f"Received: {folder.path / 'manifest.csv'}, {len(bad)} of {len(rows)} rows; "
                f"{', '.join(shown)}"
            )
