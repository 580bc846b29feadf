"""From settings to a pre-trained backbone, in a run folder like any other."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl._utils.arguments import first_few
from keras_dldl._utils.backends import is_installed
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.training.history import RunResult
from keras_dldl.training.identities.config import PretrainConfig
from keras_dldl.training.run_folder import RunFolder, check_same_run, data_fingerprint

if TYPE_CHECKING:
    from keras_dldl.data.people import People

_LOGGER = logging.getLogger(__name__)
DEFAULT_SIZE = 112


def pretrain(config: PretrainConfig, out: str | os.PathLike, resume: bool = False) -> RunResult:
    """Train a backbone to tell people apart (Gao et al. 2020, section 5.2), and write a run folder.

    The folder is that of `training.trainer.train`; its `model.keras` is an `IdentityModel`, from
    which `train` starts by `init`, whatever its head.

    Args:
        config: the settings.
        out: the run folder; made if it is not there.
        resume: go on with the run in `out`, to the result it would have had without the stop.

    Returns:
        The history and the place of the model; its metric is "error".

    Raises:
        ConfigError: a setting does not fit the model, the data, or the run to resume.
        DataError: the images cannot be read, or there are too few people.
        TrainingError: the loss is not finite, or the folder holds another run.
    """
    from keras_dldl.models.backbones import check_backbone
    from keras_dldl.training.devices import precision, warn_of_emulation
    from keras_dldl.training.identities.learner import IdentityFeed, IdentityLearner
    from keras_dldl.training.run import Run

    check_backbone(config.model)
    _check_settings(config)
    if not is_installed("tensorflow"):
        raise ConfigError(
            "Pre-training reads its images by TensorFlow, on any back end of Keras: pip install "
            "tensorflow. Received: TensorFlow is not installed."
        )
    folder = RunFolder(Path(out), "pretrain")
    checkpoint = folder.open(resume)
    people = read_people(config)
    config = _completed(config, people)
    fingerprint = data_fingerprint(people, list(people.splits))
    if checkpoint is not None:
        check_same_run(checkpoint.progress, config, fingerprint, people.left_out)
    warn_of_emulation(config.precision)
    with precision(config.precision):
        feed = IdentityFeed(config, people)
        learner = IdentityLearner(config, people, feed.sampler.rows)
        return Run(config, folder, people, fingerprint, feed, learner).execute(checkpoint)


def read_people(config: PretrainConfig) -> "People":
    """Return the people of the one source that `config` names.

    Raises:
        ConfigError: it names none, or several.
        DataError: the source is not as it must be, or none of its images can be read.
    """
    from keras_dldl.data.people import people
    from keras_dldl.data.prepared import PreparedData
    from keras_dldl.faces.alignment import Alignment

    size, alignment = DEFAULT_SIZE, Alignment()
    if config.data:
        data = PreparedData(*config.data)
        size, alignment = data.size, data.alignment
        rows, images = people.from_prepared(data)
    elif config.manifest:
        rows, images = people.from_manifest(config.manifest, config.root)
    else:
        rows, images = people.from_folders(config.root)
    rows, left_out = _readable(rows, images)
    return people.choose_people(
        rows,
        images,
        size=size,
        alignment=alignment,
        min_images=config.min_images,
        validation_share=config.validation_share,
        left_out=left_out,
    )


def _check_settings(config: PretrainConfig) -> None:
    named = [name for name in ("data", "manifest", "root") if getattr(config, name)]
    if not named or ("data" in named and len(named) > 1):
        raise ConfigError(
            "Pre-training needs one source: --root with a folder a person, --manifest with a "
            "column `subject` (and --root where its paths begin), or --data with prepared folders. "
            f"Received: {', '.join(named) or 'none'}."
        )
    if config.augment.get("mixup"):
        raise ConfigError(
            "`augment.mixup` must be 0 for identities: a face is of one person. "
            f"Received: augment.mixup={config.augment['mixup']}."
        )


def _readable(rows: Any, images: Any) -> tuple[Any, list[str]]:
    from keras_dldl.data.people.pipeline import readable

    mask = readable(images)
    left_out = sorted(rows["path"][~mask])
    shown = first_few(left_out)
    if not mask.any():
        raise DataError(
            "Images must be JPEG, PNG, GIF or BMP files that are there. "
            f"Received: none that can be read: {shown}"
        )
    if left_out:
        counts = len(left_out), len(rows)
        _LOGGER.warning("Left out %d of %d images that cannot be read: %s.", *counts, shown)
    return rows[mask].reset_index(drop=True), left_out


def _completed(config: PretrainConfig, people: "People") -> PretrainConfig:
    """Fill in what the data decide, and make paths hold from any working folder."""
    split = config.validation_split
    if split is not None and split not in people.splits:
        _LOGGER.warning(
            "Too few people with two images in split %r: the last epoch's model is kept, not the "
            "best one.",
            split,
        )
    paths = ("data", "root", "manifest", "init", "weights")
    return config.completed(people.size, people.splits, *paths)
