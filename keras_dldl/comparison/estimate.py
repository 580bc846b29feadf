"""How long the cells that are left will take."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_dldl.comparison.cells import Cell, CellResult

# What decides how long a step takes.
COST = ("model", "input_size", "batch_size", "precision")


def seconds_left(
    waiting: "Sequence[Cell]", cells: "Sequence[Cell]", results: "Mapping[Path, CellResult | None]"
) -> float | None:
    """Return an estimate for `waiting` from the finished cells of the same cost.

    Returns:
        Seconds; None where a cell has no finished one of its cost.
    """
    known: dict[tuple, list[tuple[float, float]]] = {}
    for cell in cells:
        result = results.get(cell.folder)
        if result is not None and result.training and cell.given is None:
            spent = result.training
            pair = (spent["seconds_per_epoch"], spent["evaluation_seconds"])
            known.setdefault(cost_of(cell), []).append(pair)
    total = 0.0
    for cell in waiting:
        if cell.given is not None:
            continue
        if cost_of(cell) not in known:
            return None
        pairs = known[cost_of(cell)]
        per_epoch, evaluation = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
        total += cell.config.epochs * per_epoch + evaluation
    return total


def cost_of(cell: "Cell") -> tuple:
    """Return what decides how long an epoch of a cell takes."""
    return tuple(getattr(cell.config, name) for name in COST)


def time_in_words(seconds: float) -> str:
    """Return a duration for people.

    >>> time_in_words(8), time_in_words(200), time_in_words(8000)
    ('8 s', '3 min', '2 h 13 min')
    """
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
