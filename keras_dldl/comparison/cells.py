"""The cells of a comparison: a variant with one seed, checked, trained, measured, read again."""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl._utils import files
from keras_dldl._utils.arguments import message_of
from keras_dldl.comparison.plan import differences, folder_name
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.history import best_row, epochs_done, is_stale
from keras_dldl.training.run_folder import RunFolder, data_fingerprint, load_checkpoint

if TYPE_CHECKING:
    import pandas as pd

    from keras_dldl.data.prepared import PreparedData

_LOGGER = logging.getLogger(__name__)
DONE, FAILED = "done", "failed"


@dataclass(frozen=True)
class CellResult:
    """What a cell gave; the content of `cell.json`.

    Attributes:
        state: "done" or "failed".
        config: its settings, complete but for what the data decide.
        error: why it failed, on one line; None where it did not.
        numbers: the top-level numbers of `metrics.json`, without groups.
        training: facts of the run: epochs, best epoch, validation MAE, seconds.
        model_sha256: checksum of the model that was measured.
    """

    variant: str
    seed: int
    state: str
    config: dict[str, Any]
    error: str | None = None
    numbers: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    model_sha256: str | None = None


@dataclass(frozen=True)
class Cell:
    """A variant with one seed, and its folder.

    Attributes:
        config: its settings, with the seed and the data.
        folder: holds `cell.json`, `run/` and the evaluation, named after the split.
        split: the faces that are predicted.
        given: the run folder, where the run was made before and is only measured.
    """

    variant: str
    seed: int
    config: TrainConfig
    folder: Path
    split: str
    given: Path | None = None

    @property
    def run(self) -> RunFolder:
        return RunFolder(self.given or self.folder / "run")

    @property
    def evaluation(self) -> Path:
        """The folder of `metrics.json`, `predictions.csv` and `report.html`."""
        return self.folder / self.split

    @property
    def title(self) -> str:
        return f"{self.variant}, seed {self.seed}"

    def stored(self) -> CellResult | None:
        """Return what an earlier call recorded; None where it is not finished.

        Raises:
            ConfigError: it was recorded with other settings.
            DataError: the record cannot be read.
        """
        path = self.folder / "cell.json"
        if not path.exists():
            return None
        try:
            result = CellResult(**json.loads(path.read_text(encoding="utf-8")))
            before = TrainConfig.from_dict(result.config)
        except (OSError, ValueError, TypeError) as error:
            raise DataError(
                "The record of a cell must be readable; remove it to measure the cell again. "
                f"Received: {path} ({message_of(error)})"
            ) from error
        if changed := differences(before, self.config):
            raise ConfigError(
                "A cell is continued with the settings it began with; choose another --out, or "
                f"remove its folder. Received: other {', '.join(changed)} for {self.title}, in "
                f"{self.folder}."
            )
        model = self.run.model
        is_whole = (
            (self.evaluation / "predictions.csv").exists()
            and model.exists()
            and files.sha256_of(model) == result.model_sha256
        )
        return result if result.state == FAILED or is_whole else None

    def epochs_done(self) -> int:
        """Return how many epochs an earlier call trained."""
        if not self.run.history.exists():
            return 0
        lines = self.run.history.read_text(encoding="utf-8").splitlines()
        return len(lines) - 1  # without the headings

    def predictions(self) -> "pd.DataFrame":
        """Return `predictions.csv`: path, label, value and std of every face."""
        import pandas as pd

        return pd.read_csv(self.evaluation / "predictions.csv", dtype={"path": str})


def cells_of(plan: Any, out: Path) -> list[Cell]:
    """Return the cells of a plan, those of the first seed first, so that a table is soon there."""
    cells = []
    for variant in plan.variants:
        for k, seed in enumerate(variant.seeds):
            given = variant.folders.get(seed)
            cell = Cell(
                variant=variant.name,
                seed=seed,
                config=variant.config.updated({"seed": seed, "data": list(plan.base.data)}),
                folder=out / "cells" / folder_name(variant.name, seed),
                split=plan.split,
                given=None if given is None else Path(given),
            )
            cells.append((k, cell))
    return [cell for _, cell in sorted(cells, key=lambda pair: pair[0])]


def check_cells(cells: Sequence[Cell], data: "PreparedData") -> None:
    """Find what would stop a cell before the first is trained.

    Raises:
        ConfigError: a method lacks an option, a label step does not fit, a backbone is unknown.
        DataError: a method needs what the data lack; a given run is not of these data.
    """
    from keras_dldl.training.learner import check_method, make_grid, make_method, make_model

    built = set()
    for cell in cells:
        if cell.given is not None:
            _check_given(cell, data)
            continue
        config = completed(cell.config, data)
        make_grid(config, data)
        splits = [split for split in ("train", config.validation_split) if split in data.splits]
        check_method(make_method(config), data, splits)
        network = (config.model, config.input_size, config.dropout)
        if network not in built:
            make_model(config, data)
            built.add(network)


def _check_given(cell: Cell, data: "PreparedData") -> None:
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
            "A run can be compared when it is finished; continue it by "
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


def completed(config: TrainConfig, data: "PreparedData") -> TrainConfig:
    """Return settings with what the defaults and the data decide filled in."""
    from keras_dldl.training.feed import choose_feed

    return replace(config.completed(data.size, data.splits), feed=choose_feed(config))


def run_cell(cell: Cell, measured: "PreparedData") -> CellResult:
    """Train a cell, or continue it, measure it on `measured`, and record both.

    A failure of this cell alone is recorded too, so that the others are trained.

    Raises:
        OSError: the folder cannot be written; then no other cell can be written either.
        KeyboardInterrupt: Ctrl-C; the next call continues the cell from its last epoch.
    """
    import keras

    keras.backend.clear_session()  # the graphs of the cells before
    try:
        result = _trained_and_measured(cell, measured)
    except OSError:
        raise
    except Exception as error:
        reason = message_of(error, 1000)
        _LOGGER.error("%s failed: %s", cell.title, reason)
        result = CellResult(cell.variant, cell.seed, FAILED, cell.config.to_dict(), reason)
    files.write_json(cell.folder / "cell.json", asdict(result))
    return result


def _trained_and_measured(cell: Cell, measured: "PreparedData") -> CellResult:
    from keras_dldl.evaluation import PreparedFaces, evaluate
    from keras_dldl.training import train

    if cell.given is not None:
        rows = load_checkpoint(cell.run.checkpoint).progress["rows"]
    else:
        rows = train(cell.config, cell.run.path, resume=cell.run.config.exists()).rows
    training = training_facts(rows)
    begun = time.perf_counter()
    evaluation = evaluate(cell.run.model, PreparedFaces(measured, split=cell.split))
    evaluation.save(cell.evaluation)
    training["evaluation_seconds"] = round(time.perf_counter() - begun, 3)
    metrics = evaluation.metrics
    left_out = (
        "groups", "views", "detection", "unreadable", "data", "versions", "model", "notes",
        "datasets", "fairness", "calibration", "confidence", "leak_check", "against_model",
    )  # fmt: skip
    return CellResult(
        cell.variant,
        cell.seed,
        DONE,
        cell.config.to_dict(),
        numbers={name: value for name, value in metrics.items() if name not in left_out},
        training=training,
        model_sha256=metrics["model"]["sha256"],
    )


def training_facts(rows: Any) -> dict[str, Any]:
    """Return what the rows of a run's history say in short."""
    best = best_row(rows)
    epochs = [row["seconds"] for row in rows if row["epoch"]]
    return {
        "epochs": epochs_done(rows),
        "best_epoch": best["epoch"],
        "val_mae": best.get("val_mae"),
        "seconds": round(sum(row["seconds"] for row in rows), 3),
        "seconds_per_epoch": sorted(epochs)[len(epochs) // 2],
    }
