"""How long the cells that are left will take: from finished ones, or from a few steps."""

import itertools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.comparison.cells import Cell, CellResult, completed

if TYPE_CHECKING:
    from keras_dldl.data.prepared import PreparedData

# What decides how long a step takes.
COST = ("model", "input_size", "batch_size", "precision", "feed", "devices")
TIMED_STEPS = 5

# By cost: seconds of an epoch, and of the evaluation at the end.
Costs = dict[tuple, tuple[float, float]]


def known_costs(cells: Sequence[Cell], results: Mapping[Path, CellResult | None]) -> Costs:
    """Return what the cells that were trained here took, the mean of those of one cost."""
    found: dict[tuple, list[tuple[float, float]]] = {}
    for cell in cells:
        result = results.get(cell.folder)
        if result is not None and result.training and cell.given is None:
            spent = result.training
            pair = (spent["seconds_per_epoch"], spent["evaluation_seconds"])
            found.setdefault(cost_of(cell), []).append(pair)
    return {
        cost: tuple(sum(column) / len(pairs) for column in zip(*pairs, strict=True))
        for cost, pairs in found.items()
    }


def seconds_left(waiting: Sequence[Cell], costs: Costs) -> float | None:
    """Return an estimate for `waiting`, None where the cost of one is not known."""
    total = 0.0
    for cell in waiting:
        if cell.given is not None:
            continue
        if cost_of(cell) not in costs:
            return None
        per_epoch, evaluation = costs[cost_of(cell)]
        total += (cell.config.epochs - cell.epochs_done()) * per_epoch + evaluation
    return total


def measured_cost(
    cell: Cell, data: "PreparedData", measured: "PreparedData"
) -> tuple[float, float]:
    """Return seconds of an epoch and of the evaluation, from a few steps of an untrained model.

    Rough: reading the data the first time, and other programs on the machine, are not foreseen.
    """
    from keras_dldl.runtime.networks import KerasNetwork
    from keras_dldl.training.devices import precision, spread
    from keras_dldl.training.feed import make_feed
    from keras_dldl.training.learner import FaceLearner
    from keras_dldl.training.team import Team

    config = completed(cell.config, data)
    with precision(config.precision), spread(config, Team()) as places:
        learner = FaceLearner(config, data)
        learner.build(from_init=False)
        feed = make_feed(config, data, places)
        batches = list(itertools.islice(feed.training(0), TIMED_STEPS + 1))
        step = seconds_each(lambda batch: learner.trained.train_on_batch(*batch), batches)
        network = KerasNetwork(learner.face_model)
        two_views = seconds_each(lambda batch: network.views(np.asarray(batch[0])), batches)
    view = two_views / 2 / config.batch_size
    counts = {split: len(data.rows(split)) for split in data.splits}
    epoch = feed.steps_per_epoch * step + counts.get(config.validation_split, 0) * view
    return epoch, 2 * len(measured.rows(cell.split)) * view


def seconds_each(work: Any, batches: Sequence[Any]) -> float:
    """Return the mean seconds of `work` for a batch, after a first call that compiles."""
    # A shorter last batch would be compiled again.
    batches = [batch for batch in batches if len(batch[0]) == len(batches[0][0])]
    work(batches[0])  # compiles
    begun = time.perf_counter()
    for batch in batches[1:] or batches:
        work(batch)
    return (time.perf_counter() - begun) / max(1, len(batches) - 1)


def cost_of(cell: Cell) -> tuple:
    """Return what decides how long an epoch takes."""
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
