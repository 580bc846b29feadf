"""The training engine: from a config to a run folder."""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from keras_dldl.training.checks import check_config, check_labels, check_validation
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.history import RunResult
from keras_dldl.training.run_folder import RunFolder, check_same_run, data_fingerprint
from keras_dldl.training.state import Checkpoint, load_checkpoint
from keras_dldl.training.team import Team, folder_of, joined

_LOGGER = logging.getLogger(__name__)


def train(
    config: TrainConfig,
    out: str | os.PathLike,
    resume: bool = False,
    team: Team | None = None,
    callbacks: Sequence[Any] = (),
) -> RunResult:
    """Train a model and write a run folder.

    The folder gets `config.yaml`, `provenance.json`, `history.csv`, `model.keras` (the best on the
    validation split), `checkpoint/` (after every epoch) and `curves.png`. All are written whole.

    Args:
        config: the settings.
        out: the run folder; made if it is not there.
        resume: go on with the run in `out`, to the result it would have had without the stop.
        team: the processes that train together, this one among them; default this one alone. Each
            calls `train` with the same settings and its own number.
        callbacks: Keras callbacks, such as those of W&B and MLflow. They hear of the begin and end
            of training, of each epoch and of each batch; at the end of an epoch of the training and
            validation figures and the learning rate. One may end the run by
            `model.stop_training = True`. Methods `on_test_*` and `on_predict_*` are not called.

    Returns:
        The history and the place of the model.

    Raises:
        ConfigError: a setting does not fit the model, the data, or the run to resume.
        DataError: the prepared data cannot be read, or is damaged.
        TrainingError: the loss is not finite, or the folder holds another run, or another process
            was lost.
    """
    team, out = team or Team(), Path(out)
    with joined(team), folder_of(team, out) as path:
        result = _train(config, RunFolder(path), resume, team, callbacks)
    return replace(result, out=out, model=RunFolder(out).model) if team.process else result


def _train(
    config: TrainConfig, folder: RunFolder, resume: bool, team: Team, callbacks: Sequence[Any]
) -> RunResult:
    from keras_dldl.data.records.integrity import damage_named
    from keras_dldl.training.build import make_method
    from keras_dldl.training.devices import spread
    from keras_dldl.training.feed import make_feed
    from keras_dldl.training.learner import FaceLearner
    from keras_dldl.training.precision import precision, warn_of_emulation
    from keras_dldl.training.run import Run

    method = make_method(config)
    checkpoint = _opened(folder, resume, team)
    config, data, splits = open_data(config, method, team.processes)
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
    config: TrainConfig, method: Any, processes: int = 1
) -> tuple[TrainConfig, Any, list[str]]:
    """Open the prepared data of a run, and refuse what it cannot be trained on.

    Args:
        config: the settings.
        method: the method of `config`.
        processes: how many train together.

    Returns:
        The settings completed by what the data decide, the data, and the splits in use.
    """
    from keras_dldl.data.prepared import PreparedData
    from keras_dldl.data.records.integrity import check_records
    from keras_dldl.training.build import check_method

    check_config(config)
    data = PreparedData(*config.data)
    config = _completed(config, data, processes)
    check_validation(config)
    splits = ["train", config.validation_split] if config.validation_split else ["train"]
    check_labels(data, splits)
    check_records(data, splits, config.on_damaged_shard)
    check_method(method, data, splits)
    return config, data, splits


def _opened(folder: RunFolder, resume: bool, team: Team) -> Checkpoint | None:
    """Return the checkpoint to go on from; process 0 has it and tells the others."""
    if team.processes == 1:
        return folder.open(resume)

    def content() -> bytes | None:
        return folder.checkpoint.read_bytes() if folder.open(resume) else None

    told = team.agree(content)
    if told is None:
        return None
    if team.process:
        folder.checkpoint.parent.mkdir(parents=True)
        folder.checkpoint.write_bytes(told)
    return load_checkpoint(folder.checkpoint)


def _completed(config: TrainConfig, data: Any, processes: int = 1) -> TrainConfig:
    """Fill in what the data decide, and make paths hold from any working folder."""
    from keras_dldl.training.feed import choose_feed

    split = config.validation_split
    if split is not None and split not in data.splits:
        _LOGGER.warning(
            "The data have no split %r: the last epoch's model is kept, not the best one. "
            "`keras-dldl split` draws rows for it.", split,
        )  # fmt: skip
        split = None
    return replace(
        config.with_augmentation().from_anywhere("data", "init", "image_weights", "teacher"),
        input_size=config.input_size or data.size,
        validation_split=split,
        feed=choose_feed(config, processes),
    )
