"""The way of a comparison: all cells, one after the other, and the table of what there is."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl.comparison.cells import FAILED, Cell, CellResult, cells_of, run_cell
from keras_dldl.comparison.folder import check_cells, open_folder
from keras_dldl.comparison.plan import Plan
from keras_dldl.errors import ConfigError
from keras_dldl.files import check_writable

if TYPE_CHECKING:
    from keras_dldl.data.prepared import PreparedData

_LOGGER = logging.getLogger(__name__)


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


def compare(
    plan: Plan, out: str | os.PathLike, *, report_only: bool = False, retry_failed: bool = False
) -> Comparison:
    """Train and measure all cells of a plan, then compare them.

    What an earlier call finished is read; what it began goes on. The folder gets `plan.json`,
    `cells/`, and at the end `comparison.json`, `table.md`, `table.csv`, `comparison.png` and, where
    a setting was varied in steps, `sensitivity.png`.

    Args:
        plan: what to compare.
        out: the folder; made if it is not there.
        report_only: train nothing, compare what is finished.
        retry_failed: train cells anew that failed before.

    Raises:
        ConfigError: a setting does not fit, or the folder holds another comparison.
        DataError: the data cannot be read, or a given run is not of these data.
        KeyboardInterrupt: Ctrl-C; what is finished is compared, and the next call goes on.
    """
    from keras_dldl.data.prepared import PreparedData

    if not plan.base.data:
        raise ConfigError(
            "A comparison needs data: prepared folders, by --data or `data:`. Received: none."
        )
    out = Path(out)
    check_writable(out)
    data = PreparedData(*plan.base.data)
    open_folder(out, plan, data)
    cells = cells_of(plan, out)
    check_cells(cells, data)
    results = {cell.folder: cell.stored() for cell in cells}
    if retry_failed:
        results = {
            folder: None if found and found.state == FAILED else found
            for folder, found in results.items()
        }
    try:
        if not report_only:
            _run(cells, results, data)
    except KeyboardInterrupt:
        _LOGGER.warning("Stopped. The same command goes on from here.")
        if any(results.values()):
            _report(plan, data, out, cells, results)
        raise
    return _report(plan, data, out, cells, results)


def _run(
    cells: Sequence[Cell], results: dict[Path, CellResult | None], data: "PreparedData"
) -> None:
    from keras_dldl.comparison.estimate import seconds_left, time_in_words

    open_cells = [cell for cell in cells if results[cell.folder] is None]
    _LOGGER.info("%d cells, %d of them finished before.", len(cells), len(cells) - len(open_cells))
    for index, cell in enumerate(open_cells):
        left = seconds_left(open_cells[index:], cells, results)
        about = "" if left is None else f"; about {time_in_words(left)} left"
        _LOGGER.info("cell %d of %d: %s%s", index + 1, len(open_cells), cell.title, about)
        results[cell.folder] = run_cell(cell, data)


def _report(
    plan: Plan,
    data: "PreparedData",
    out: Path,
    cells: Sequence[Cell],
    results: dict[Path, CellResult | None],
) -> Comparison:
    from keras_dldl.comparison.report import write_report

    done = [(cell, results[cell.folder]) for cell in cells if results[cell.folder] is not None]
    content = write_report(plan, data, out, done)
    failed = tuple(result for _, result in done if result.state == FAILED)
    return Comparison(out, content, failed)
