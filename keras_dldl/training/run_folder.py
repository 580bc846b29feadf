"""The run folder: where its files are, whether a run may begin or go on in it, its checkpoint."""

import hashlib
import json
import os
import platform
import shlex
import sys
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils.arguments import first_few, message_of
from keras_dldl._utils.files import atomic_path, names_in, write_json
from keras_dldl._version import __version__
from keras_dldl.errors import ConfigError, DataError, TrainingError
from keras_dldl.training.config import RunConfig

if TYPE_CHECKING:
    from keras_dldl.data.people import People
    from keras_dldl.data.prepared import PreparedData

# The fingerprint speaks for the data, wherever it lies now and whatever is left out of it; epochs
# may be raised, and what ends a run early, only watches it, or does the same elsewhere changes no
# epoch.
_MAY_DIFFER = (
    "data", "root", "manifest", "epochs", "on_damaged_shard", "devices", "patience",
    "min_improvement", "tensorboard", "image_weights",
)  # fmt: skip
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
    """Write the values of `variables` and `progress` to `path` atomically.

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
            f"train into another folder. Received: {path} ({message_of(error)})."
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


class RunFolder:
    """The files of a run, by name.

    Args:
        path: the folder.
        command: which makes such runs.

    Attributes:
        config: settings, enough to repeat the run.
        provenance: versions, data and command behind the run.
        history: a row an epoch; `curves` has them drawn, `tensorboard` for TensorBoard.
        model: the best model on the validation split.
        checkpoint: all variables after the last complete epoch.
    """

    def __init__(self, path: Path, command: str = "train") -> None:
        self.path = path
        self.command = command
        self.config = path / "config.yaml"
        self.provenance = path / "provenance.json"
        self.history = path / "history.csv"
        self.curves = path / "curves.png"
        self.tensorboard = path / "tensorboard"
        self.model = path / "model.keras"
        self.checkpoint = path / "checkpoint" / "state.npz"

    def resume_command(self) -> str:
        """Return the command that continues this run."""
        return f"keras-dldl {self.command} --out {shlex.quote(str(self.path))} --resume"

    def open(self, resume: bool) -> Checkpoint | None:
        """Return the checkpoint to go on from, or None to begin.

        Raises:
            TrainingError: there is a checkpoint and `resume` was not asked for, or there is nothing
                to resume, or the checkpoint is damaged, or it is missing beside results that a run
                from the beginning would overwrite, or the folder holds something else.
        """
        if self.checkpoint.exists():
            if not resume:
                raise TrainingError(
                    "The run folder already holds a run. Continue it with --resume, or choose "
                    f"another folder with --out. Received: {self.path}."
                )
            return load_checkpoint(self.checkpoint)
        self._check_no_results(resume)
        # A run killed in its first epoch has settings and no checkpoint: it begins again.
        if resume and not self.config.exists():
            raise TrainingError(
                "There is no run to resume here. Begin one without --resume, or name the folder of "
                f"a run. Received: {self.path}."
            )
        self._check_not_foreign()
        return None

    def _check_not_foreign(self) -> None:
        if not self.path.is_dir() or self.provenance.exists():
            return
        if others := names_in(self.path):
            raise TrainingError(
                "A run begins in a new or empty folder; choose another with --out. "
                f"Received: {self.path}, which holds {first_few(others, 3)}."
            )

    def _check_no_results(self, resume: bool) -> None:
        # A run killed right before its first checkpoint has a model, though no history yet.
        results = [self.history] if resume else [self.model, self.history]
        found = [file.name for file in results if file.exists()]
        if found:
            raise TrainingError(
                "The run folder holds results without a checkpoint to go on from, and they are not "
                "overwritten. Restore checkpoint/ and add --resume, move the results away, or "
                f"choose another folder with --out. Received: {', '.join(found)} in {self.path}."
            )


def check_same_run(
    stored: dict[str, Any], config: RunConfig, fingerprint: str, left_out: Sequence[str] = ()
) -> None:
    """Raise `ConfigError` if the checkpoint's run had other settings or other data.

    Args:
        stored: the checkpoint's `progress`.
        config: settings of the run that would go on.
        fingerprint: of the data that would be used.
        left_out: names of the damaged shards that would not be.
    """
    now = config.to_dict()
    before = type(config).from_dict(stored["config"]).to_dict()
    changed = [name for name in now if name not in _MAY_DIFFER and before[name] != now[name]]
    if now["epochs"] < before["epochs"] or (
        now["epochs"] > before["epochs"]
        and config.schedule == "cosine"
        and config.restart_epochs is None
    ):
        changed.append("epochs")
    if changed:
        listed = "; ".join(
            f"{name}: {before[name]!r} before, {now[name]!r} now" for name in changed
        )
        raise ConfigError(
            "A run is resumed with the settings it began with; only epochs may be raised, and not "
            "with the cosine schedule without restarts, whose every step depends on them; "
            "devices, patience, min_improvement and tensorboard may be others. For other settings "
            f"give another folder. Received: {listed}."
        )
    if stored["fingerprint"] != fingerprint:
        before, now = (", ".join(names) for names in (stored.get("left_out", []), left_out))
        note = f"; damaged shards left out before: {before or 'none'}, now: {now or 'none'}"
        raise ConfigError(
            "A run is resumed on the data it began with. The rows of the prepared folders, or the "
            f"image_weights, are others now{note if before or now else ''}. "
            f"Received: data={list(config.data)}."
        )


def data_fingerprint(
    data: "PreparedData | People", splits: list[str], image_weights: str | None = None
) -> str:
    """Return a digest of paths, labels and sigmas of the rows of `splits`, in their order.

    Args:
        data: the prepared data.
        splits: which are in use.
        image_weights: a file whose content belongs to it.

    Raises:
        DataError: `image_weights` cannot be read.
    """
    digest = hashlib.sha256()
    for split in splits:
        rows = data.rows(split)
        columns = [name for name in ("path", "label", "sigma") if name in rows.columns]
        digest.update(rows[columns].to_csv(index=False).encode("utf-8"))
    if image_weights is not None:
        try:
            digest.update(Path(image_weights).read_bytes())
        except OSError as error:
            raise DataError(
                "`image_weights` must be a CSV file of path and weight. "
                f"Received: {image_weights} ({error.strerror})"
            ) from error
    return digest.hexdigest()


def write_provenance(
    folder: RunFolder, data: "PreparedData | People", facts: dict[str, Any]
) -> None:
    """Write what the settings do not say: versions, machine, command, label grid, counts."""
    versions: dict[str, str | None] = {"python": platform.python_version()}
    versions["keras-dldl"] = __version__
    for name in ("keras", "tensorflow", "numpy"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # TensorFlow has wheels of other names: tensorflow-cpu
            versions[name] = None
    content = {
        "versions": versions,
        "platform": platform.platform(),
        "command": [os.path.basename(sys.argv[0]), *sys.argv[1:]],
        "grid": data.grid.get_config() if data.grid else None,
        "images": {split: len(data.rows(split)) for split in data.splits},
        "left_out": data.left_out,
        **facts,
    }
    write_json(folder.provenance, content)
