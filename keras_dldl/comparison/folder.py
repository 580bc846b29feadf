"""The folder of a comparison: whether it holds this one, and whether the cells can be trained."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl._utils.files import TEMPORARY_PREFIX, write_json
from keras_dldl.comparison.cells import Cell
from keras_dldl.comparison.naming import differences, text_of
from keras_dldl.comparison.plan import Plan
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.history import epochs_done, is_stale
from keras_dldl.training.run_folder import data_fingerprint, load_checkpoint

if TYPE_CHECKING:
    from keras_dldl.data.prepared import PreparedData

FORMAT = 1
NAME = "plan.json"


def check_folder(out: Path, plan: Plan, data: "PreparedData", measured: "PreparedData") -> None:
    """Raise an error unless `out` is new, empty, or holds a comparison that this one adds to.

    Variants and seeds may come and go from call to call; data, split and shared settings may not.

    Raises:
        ConfigError: it holds a comparison of other data or settings, or something else.
        DataError: the data have no rows to measure.
    """
    shared = _shared(plan, data, measured)
    if (out / NAME).exists():
        try:
            before = dict(json.loads((out / NAME).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(
                f"A comparison's {NAME} must be readable. Received: {out / NAME}"
            ) from error
        _check_same_plan(out, before, shared)
    elif out.is_dir():
        names = (path.name for path in out.iterdir())
        others = sorted(name for name in names if not name.startswith(TEMPORARY_PREFIX))
        if others:
            raise ConfigError(
                "A comparison begins in a new or empty folder; choose another with --out. "
                f"Received: {out}, which holds {', '.join(others[:3])}."
            )


def note_plan(out: Path, plan: Plan, data: "PreparedData", measured: "PreparedData") -> None:
    """Write `plan.json`: what all cells share."""
    write_json(out / NAME, _shared(plan, data, measured))


def _shared(plan: Plan, data: "PreparedData", measured: "PreparedData") -> dict[str, Any]:
    wanted = ["train", plan.base.validation_split]
    if measured is data:
        wanted.append(plan.split)
    splits = [split for split in dict.fromkeys(wanted) if split in data.splits]
    measured.rows(plan.split)  # raises where there are none, and says what there is
    fingerprint = data_fingerprint(data, splits)
    if measured is not data:
        fingerprint += data_fingerprint(measured, [plan.split])
    return {
        "format": FORMAT,
        "split": plan.split,
        "settings": {name: v for name, v in plan.base.to_dict().items() if name != "data"},
        "fingerprint": fingerprint,
    }


def check_cells(cells: Sequence[Cell], data: "PreparedData") -> None:
    """Find what would stop a cell before the first is trained.

    Raises:
        ConfigError: a method lacks an option, a label step does not fit, a backbone is unknown.
        DataError: a method needs what the data lack; a given run is not of these data.
    """
    from keras_dldl.comparison.estimate import completed
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


def _check_same_plan(out: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    if before.get("format") != FORMAT:
        raise ConfigError(
            f"A comparison's folder must be of format {FORMAT}; choose another --out. "
            f"Received: {out} of format {before.get('format')}."
        )
    changed = []
    if before["fingerprint"] != now["fingerprint"]:
        changed.append("rows of the data")
    if before["split"] != now["split"]:
        changed.append(f"split: {before['split']} before, {now['split']} now")
    old, new = (TrainConfig.from_dict(content["settings"]) for content in (before, now))
    old_values, new_values = differences(new, old), differences(old, new)
    for name in dict.fromkeys([*new_values, *old_values]):
        told = [text_of(values.get(name, "none")) for values in (old_values, new_values)]
        changed.append(f"{name}: {told[0]} before, {told[1]} now")
    if changed:
        raise ConfigError(
            "The folder holds a comparison of other data or settings; choose another --out. "
            f"Variants and seeds may be added. Received: {out}; {'; '.join(changed)}."
        )
