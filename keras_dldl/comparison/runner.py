"""The way of a comparison: all cells, one after the other, and the table of what there is."""

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl._utils import files
from keras_dldl._utils.arguments import first_few
from keras_dldl._utils.text_tables import counted
from keras_dldl.comparison import leave_one_out, tables
from keras_dldl.comparison.cells import FAILED, Cell, CellResult, cells_of, check_cells, run_cell
from keras_dldl.comparison.estimate import (
    cost_of,
    known_costs,
    measured_cost,
    seconds_left,
    time_in_words,
)
from keras_dldl.comparison.leave_one_out import parts_of
from keras_dldl.comparison.pictures import draw_pictures
from keras_dldl.comparison.plan import Plan, differences, text_of
from keras_dldl.comparison.summary import content_of
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.run_folder import data_fingerprint

if TYPE_CHECKING:
    from keras_dldl.data.prepared import PreparedData

_LOGGER = logging.getLogger(__name__)
FORMAT = 1
NAME = "plan.json"


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

    >>> settings = {"model": "nano-age-net", "input_size": 32, "epochs": 1}
    >>> given = {"data": ["data/mine"], "settings": settings, "split": "val"}
    >>> plan = Plan.from_dict({**given, "grid": {"method": ["dldl-v2", "dex"]}})
    >>> compare(plan, "comparison").failed
    ()
    """
    out = Path(out)
    if plan.leave_one_out:
        return _each_left_out(plan, out, report_only=report_only, retry_failed=retry_failed)
    work = _Work.opened(plan, out)
    if retry_failed:
        work.forget_failed()
    files.check_writable(out)
    files.write_json(out / NAME, work.shared)
    try:
        if not report_only:
            work.run()
    except KeyboardInterrupt:
        _LOGGER.warning("Stopped. The same command continues from here.")
        if any(work.results.values()):
            work.report()
        raise
    return work.report()


def forecast(plan: Plan, out: str | os.PathLike) -> Forecast:
    """Return what `compare` would do; train nothing and write nothing.

    The time comes from finished cells with the same backbone, input size, batch size and precision,
    or else from a few steps of an untrained model.

    Raises:
        ConfigError, DataError: as `compare`.

    >>> settings = {"model": "nano-age-net", "input_size": 32, "epochs": 1}
    >>> given = {"data": ["data/mine"], "settings": settings, "split": "val"}
    >>> plan = Plan.from_dict({**given, "grid": {"method": ["dldl-v2", "dex"]}})
    >>> [state for _, state in forecast(plan, "comparison").cells]
    ['new', 'new']
    """
    if plan.leave_one_out:
        parts = [forecast(*part) for part in parts_of(plan, Path(out)).values()]
        every = tuple(state for part in parts for state in part.cells)
        return Forecast(every, sum(part.seconds for part in parts))
    work = _Work.opened(plan, Path(out))
    costs = known_costs(work.cells, work.results)
    for cell in work.waiting():
        if cell.given is None and cost_of(cell) not in costs:
            costs[cost_of(cell)] = measured_cost(cell, work.data, work.measured)
    states = tuple((cell, _state(cell, work.results[cell.folder])) for cell in work.cells)
    return Forecast(states, seconds_left(work.waiting(), costs) or 0.0)


def _each_left_out(plan: Plan, out: Path, **options: bool) -> Comparison:
    """Compare with each data set left out in turn, each in a folder of its own in `out`."""
    parts = parts_of(plan, out)
    for part in parts.values():
        _Work.opened(*part)  # finds the faults of all before anything is trained
    done = {name: compare(*part, **options) for name, part in parts.items()}
    content = leave_one_out.write(out, {name: one.content for name, one in done.items()})
    return Comparison(out, content, tuple(cell for one in done.values() for cell in one.failed))


def _state(cell: Cell, result: CellResult | None) -> str:
    if result is not None:
        return result.state
    if cell.given is not None:
        return "given, to measure"
    done = cell.epochs_done()
    return f"{done} of {cell.config.epochs} epochs" if done else "new"


def _shared(plan: Plan, data: "PreparedData", measured: "PreparedData") -> dict[str, Any]:
    """Return what all cells share: the content of `plan.json`."""
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


def _check_folder(out: Path, shared: dict[str, Any]) -> None:
    """Raise an error unless `out` is new, empty, or holds a comparison that this one adds to.

    Variants and seeds may come and go from call to call; data, split and shared settings may not.

    Raises:
        ConfigError: it holds a comparison of other data or settings, or something else.
        DataError: its `plan.json` cannot be read.
    """
    if (out / NAME).exists():
        try:
            before = dict(json.loads((out / NAME).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(
                f"A comparison's {NAME} must be readable. Received: {out / NAME}"
            ) from error
        _check_same_plan(out, before, shared)
    elif out.is_dir() and (others := files.names_in(out)):
        raise ConfigError(
            "A comparison begins in a new or empty folder; choose another with --out. "
            f"Received: {out}, which holds {first_few(others, 3)}."
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
        shown = [text_of(values.get(name, "none")) for values in (old_values, new_values)]
        changed.append(f"{name}: {shown[0]} before, {shown[1]} now")
    if changed:
        raise ConfigError(
            "The folder holds a comparison of other data or settings; choose another --out. "
            f"Variants and seeds may be added. Received: {out}; {'; '.join(changed)}."
        )


@dataclass
class _Work:
    """A plan in its folder: the data, those measured on, the cells, and what there is of them."""

    plan: Plan
    out: Path
    data: "PreparedData"
    measured: "PreparedData"
    shared: dict[str, Any]
    cells: list[Cell]
    results: dict[Path, CellResult | None]

    @classmethod
    def opened(cls, plan: Plan, out: Path) -> "_Work":
        """Read the data and what is in the folder; find all faults before anything is trained."""
        from keras_dldl.data.prepared import PreparedData

        if not plan.base.data:
            raise ConfigError(
                "A comparison needs data: prepared folders, by --data or `data:`. Received: none."
            )
        data = PreparedData(*plan.base.data)
        measured = PreparedData(*plan.test_data) if plan.test_data else data
        shared = _shared(plan, data, measured)
        _check_folder(out, shared)
        cells = cells_of(plan, out)
        results = {cell.folder: cell.stored() for cell in cells}
        work = cls(plan, out, data, measured, shared, cells, results)
        check_cells(work.waiting(), data)
        return work

    def waiting(self) -> list[Cell]:
        return [cell for cell in self.cells if self.results[cell.folder] is None]

    def forget_failed(self) -> None:
        for folder, found in self.results.items():
            if found is not None and found.state == FAILED:
                self.results[folder] = None

    def run(self) -> None:
        waiting, count = self.waiting(), len(self.cells)
        done = count - len(waiting)
        _LOGGER.info("%s, %d of them finished before.", counted(count, "cell"), done)
        for index, cell in enumerate(waiting):
            left = seconds_left(waiting[index:], known_costs(self.cells, self.results))
            about = "" if left is None else f"; about {time_in_words(left)} left"
            _LOGGER.info("cell %d of %d: %s%s", index + 1, len(waiting), cell.title, about)
            self.results[cell.folder] = run_cell(cell, self.measured)

    def report(self) -> Comparison:
        """Write all files of the comparison of what there is."""
        found = [(cell, self.results[cell.folder]) for cell in self.cells]
        done = [(cell, result) for cell, result in found if result is not None]
        content = content_of(self.plan, self.data, done, self.measured)
        files.write_text(self.out / "table.md", tables.markdown(content))
        files.write_text(self.out / "table.csv", tables.csv_text(content))
        page = tables.page_html(content, draw_pictures(self.out, content))
        files.write_text(self.out / "comparison.html", page)
        files.write_json(self.out / "comparison.json", content)
        failed = tuple(result for _, result in done if result.state == FAILED)
        return Comparison(self.out, content, failed)
