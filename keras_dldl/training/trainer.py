"""The training engine: from a config to a run folder."""

import importlib.util
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl.errors import ConfigError, DataError
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.history import RunResult
from keras_dldl.training.run_folder import (
    Checkpoint,
    RunFolder,
    check_same_run,
    data_fingerprint,
    load_checkpoint,
)
from keras_dldl.training.team import Team, folder_of, joined

if TYPE_CHECKING:
    from keras_dldl.data.prepared import PreparedData

_LOGGER = logging.getLogger(__name__)
_SHOWN = 5


def train(
    config: TrainConfig,
    out: str | os.PathLike,
    resume: bool = False,
    team: Team | None = None,
    callbacks: Sequence[Any] = (),
) -> RunResult:
    """Train a model and write a run folder.

    The folder gets `config.yaml`, `provenance.json`, `history.csv`, `model.keras` (the best on the
    validation split), `checkpoint/` (after every epoch) and `curves.png`, all written atomically.

    Args:
        config: the settings.
        out: the run folder; made if it is not there.
        resume: continue the run in `out`; the result is the same as without the stop.
        team: the processes that train together, including this one; default: only this one. Each
            calls `train` with the same settings and its own number.
        callbacks: Keras callbacks, such as those of W&B and MLflow. They are called at the start
            and end of training, of each epoch and of each batch; the end of an epoch passes the
            metrics of training and validation, and the learning rate. One may end the run by
            `model.stop_training = True`. Methods `on_test_*` and `on_predict_*` are not called.

    Returns:
        The history and the path of the model.

    Raises:
        ConfigError: a setting does not fit the model, the data, or the run to resume.
        DataError: the prepared data cannot be read, or is damaged.
        TrainingError: the loss is not finite, or the folder holds another run, or another process
            was lost.

    >>> settings = {"model": "nano-age-net", "input_size": 32, "epochs": 1}
    >>> train(TrainConfig(data=["data/mine"], **settings), "runs/a").model.as_posix()
    'runs/a/model.keras'
    """
    team, out = team or Team(), Path(out)
    with joined(team), folder_of(team, out) as path:
        result = _train(config, RunFolder(path), resume, team, callbacks)
    return replace(result, out=out, model=RunFolder(out).model) if team.process else result


def _train(
    config: TrainConfig, folder: RunFolder, resume: bool, team: Team, callbacks: Sequence[Any]
) -> RunResult:
    from keras_dldl.data.integrity import damage_named
    from keras_dldl.training.devices import precision, spread, warn_of_emulation
    from keras_dldl.training.feed import make_feed
    from keras_dldl.training.learner import FaceLearner
    from keras_dldl.training.run import Run

    checkpoint = _opened(folder, resume, team)
    config, data, splits = open_data(config, team.processes)
    fingerprint = data_fingerprint(data, splits, config.image_weights)
    team.check_same({**config.to_dict(), "data": fingerprint})
    if checkpoint is not None:
        check_same_run(checkpoint.progress, config, fingerprint, data.left_out)
    warn_of_emulation(config.precision)
    with precision(config.precision), damage_named(data, splits), spread(config, team) as places:
        feed, learner = make_feed(config, data, places), FaceLearner(config, data, places.devices)
        run = Run(config, folder, data, fingerprint, feed, learner, callbacks)
        return run.execute(checkpoint)


def open_data(
    config: TrainConfig, processes: int = 1
) -> tuple[TrainConfig, "PreparedData", list[str]]:
    """Open the prepared data of a run, and refuse what it cannot be trained on.

    Args:
        config: the settings.
        processes: how many train together.

    Returns:
        The settings completed by what the data decide, the data, and the splits in use.
    """
    from keras_dldl.data.integrity import check_records
    from keras_dldl.data.prepared import PreparedData
    from keras_dldl.training.learner import check_method, make_method

    method = make_method(config)
    check_config(config)
    data = PreparedData(*config.data)
    config = _completed(config, data, processes)
    if config.patience is not None and config.validation_split is None:
        raise ConfigError(
            "`patience` judges by a validation split, and there is none. Allowed: patience=null, "
            "or data with the split; `keras-dldl split` draws one. "
            f"Received: patience={config.patience}."
        )
    splits = ["train", config.validation_split] if config.validation_split else ["train"]
    check_manifest_labels(data, splits)
    check_records(data, splits, config.on_damaged_shard)
    check_method(method, data, splits)
    return config, data, splits


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


def check_manifest_labels(data: "PreparedData", splits: Sequence[str]) -> None:
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


def _opened(folder: RunFolder, resume: bool, team: Team) -> Checkpoint | None:
    """Return the checkpoint to go on from; process 0 has it and sends it to the others."""
    if team.processes == 1:
        return folder.open(resume)

    def content() -> bytes | None:
        return folder.checkpoint.read_bytes() if folder.open(resume) else None

    received = team.agree(content)
    if received is None:
        return None
    if team.process:
        folder.checkpoint.parent.mkdir(parents=True)
        folder.checkpoint.write_bytes(received)
    return load_checkpoint(folder.checkpoint)


def _completed(config: TrainConfig, data: "PreparedData", processes: int = 1) -> TrainConfig:
    """Fill in what the data decide, and make paths hold from any working folder."""
    from keras_dldl.training.feed import choose_feed

    split = config.validation_split
    if split is not None and split not in data.splits:
        _LOGGER.warning(
            "The data have no split %r: the last epoch's model is kept, not the best one. "
            "`keras-dldl split` draws rows for it.",
            split,
        )
    paths = ("data", "init", "image_weights", "teacher")
    config = config.completed(data.size, data.splits, *paths)
    return replace(config, feed=choose_feed(config, processes))
