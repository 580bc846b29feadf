"""The way of a comparison: all cells, one after the other, and the table of what there is."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl._utils.files import check_writable
from keras_dldl.comparison import leave_one_out
from keras_dldl.comparison.cells import FAILED, Cell, CellResult, cells_of, run_cell
from keras_dldl.comparison.estimate import (
    cost_of,
    known_costs,
    measured_cost,
    seconds_left,
    time_in_words,
)
from keras_dldl.comparison.folder import check_cells, check_folder, note_plan
from keras_dldl.comparison.leave_one_out import parts_of
from keras_dldl.comparison.plan import Plan
from keras_dldl.errors import ConfigError

if TYPE_CHECKING:
    from keras_dldl.data.prepared import PreparedData

_LOGGER = logging.getLogger(__name__)
Results = dict[Path, CellResult | None]


@dataclass(frozen=True)
class Comparison:
    """What a comparison gave.

    Attributes:
        out: the folder.
        content: the content of `comparison.json`.
        failed: the cells that failed.
    """

    out: Path
    content: dict[str, Any]
    failed: tuple[CellResult, ...] = ()


@dataclass(frozen=True)
class Forecast:
    """What a comparison would do.

    Attributes:
        cells: each with what there is of it, in the order in which they are trained.
        seconds: how long the rest would take, roughly.
    """

    cells: tuple[tuple[Cell, str], ...]
    seconds: float


def compare(
    plan: Plan, out: str | os.PathLike, *, report_only: bool = False, retry_failed: bool = False
) -> Comparison:
    """Train and measure all cells of a plan, then compare them.

    What an earlier call finished is read; what it began is continued. The folder gets `plan.json`,
    `cells/`, and at the end `comparison.json`, `table.md`, `table.csv`, `comparison.png` and, where
    a setting was varied in steps, `sensitivity.png`. A plan with `leave_one_out` writes such a
    folder for each data set that is left out, and a table of all.

    Args:
        plan: what to compare.
        out: the folder; made if it is not there.
        report_only: train nothing, compare what is finished.
        retry_failed: train failed cells again.

    Raises:
        ConfigError: a setting does not fit, or the folder holds another comparison.
        DataError: the data cannot be read, or a given run is not of these data.
        KeyboardInterrupt: Ctrl-C; what is finished is compared, and the next call continues.
    """
    out = Path(out)
    if plan.leave_one_out:
        return _each_left_out(plan, out, report_only=report_only, retry_failed=retry_failed)
    data, measured, cells, results = _opened(plan, out)
    if retry_failed:
        results = {
            folder: None if found is not None and found.state == FAILED else found
            for folder, found in results.items()
        }
    check_writable(out)
    note_plan(out, plan, data, measured)
    try:
        if not report_only:
            _run(cells, results, measured)
    except KeyboardInterrupt:
        _LOGGER.warning("Stopped. The same command continues from here.")
        if any(results.values()):
            _report(plan, data, measured, out, cells, results)
        raise
    return _report(plan, data, measured, out, cells, results)


def forecast(plan: Plan, out: str | os.PathLike) -> Forecast:
    """Return what `compare` would do; train nothing and write nothing.

    The time comes from finished cells with the same backbone, input size, batch size and precision,
    or else from a few steps of an untrained model.

    Raises:
        ConfigError, DataError: as `compare`.
    """
    if plan.leave_one_out:
        parts = [forecast(*part) for part in parts_of(plan, Path(out)).values()]
        every = tuple(state for part in parts for state in part.cells)
        return Forecast(every, sum(part.seconds for part in parts))
    data, measured, cells, results = _opened(plan, Path(out))
    waiting = [cell for cell in cells if results[cell.folder] is None]
    costs = known_costs(cells, results)
    for cell in waiting:
        if cell.given is None and cost_of(cell) not in costs:
            costs[cost_of(cell)] = measured_cost(cell, data, measured)
    states = tuple((cell, _state(cell, results[cell.folder])) for cell in cells)
    return Forecast(states, seconds_left(waiting, costs) or 0.0)


def _each_left_out(plan: Plan, out: Path, **options: bool) -> Comparison:
    """Compare with each data set left out in turn, each in a folder of its own in `out`."""
    parts = parts_of(plan, out)
    for part in parts.values():
        _opened(*part)  # finds the faults of all before anything is trained
    done = {name: compare(*part, **options) for name, part in parts.items()}
    content = leave_one_out.write(out, {name: one.content for name, one in done.items()})
    return Comparison(out, content, tuple(cell for one in done.values() for cell in one.failed))


def _opened(plan: Plan, out: Path) -> tuple["PreparedData", "PreparedData", list[Cell], Results]:
    """Read the data and what is in the folder; find all faults before anything is trained.

    Returns what is trained on, what is measured on, the cells, and what there is of them.
    """
    from keras_dldl.data.prepared import PreparedData

    if not plan.base.data:
        raise ConfigError(
            "A comparison needs data: prepared folders, by --data or `data:`. Received: none."
        )
    data = PreparedData(*plan.base.data)
    measured = PreparedData(*plan.test_data) if plan.test_data else data
    check_folder(out, plan, data, measured)
    cells = cells_of(plan, out)
    results = {cell.folder: cell.stored() for cell in cells}
    check_cells([cell for cell in cells if results[cell.folder] is None], data)
    return data, measured, cells, results


def _state(cell: Cell, result: CellResult | None) -> str:
    if result is not None:
        return result.state
    if cell.given is not None:
        return "given, to measure"
    done = cell.epochs_done()
    return f"{done} of {cell.config.epochs} epochs" if done else "new"


def _run(cells: Sequence[Cell], results: Results, measured: "PreparedData") -> None:
    waiting = [cell for cell in cells if results[cell.folder] is None]
    _LOGGER.info("%d cells, %d of them finished before.", len(cells), len(cells) - len(waiting))
    for index, cell in enumerate(waiting):
        left = seconds_left(waiting[index:], known_costs(cells, results))
        about = "" if left is None else f"; about {time_in_words(left)} left"
        _LOGGER.info("cell %d of %d: %s%s", index + 1, len(waiting), cell.title, about)
        results[cell.folder] = run_cell(cell, measured)


def _report(
    plan: Plan,
    data: "PreparedData",
    measured: "PreparedData",
    out: Path,
    cells: Sequence[Cell],
    results: Results,
) -> Comparison:
    from keras_dldl.comparison.report import write_report

    done = [(cell, results[cell.folder]) for cell in cells if results[cell.folder] is not None]
    content = write_report(plan, data, out, done, measured)
    failed = tuple(result for _, result in done if result.state == FAILED)
    return Comparison(out, content, failed)
