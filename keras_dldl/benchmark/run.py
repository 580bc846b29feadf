"""`run_benchmark`: everything opened, compared with Keras, then timed side by side.

In each round everything is timed once, next to all the others: a machine's speed drifts with its
load and temperature; ratios within a round do not.
"""

import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl._utils.arguments import check_choice, check_integer, message_of
from keras_dldl._utils.progress import progress
from keras_dldl._utils.threads import cores
from keras_dldl.benchmark import cold_start
from keras_dldl.benchmark.engines import (
    ENGINES,
    EngineNeeds,
    Runner,
    Subject,
    multiply_adds,
    subject,
)
from keras_dldl.benchmark.machine import SIDE, machine, operations, products
from keras_dldl.errors import ConfigError
from keras_dldl.export.faces import drawn_faces, faces_of
from keras_dldl.export.parity import keras_outputs

DEFAULT_MODELS = ("thin-age-net", "tiny-age@224", "tiny-age")
BASELINE = ("vgg16", "keras")
BATCH, QUICK_BATCH = 32, 4
FACES = 48  # half to calibrate on, half to compare on
COLD_STARTS = 3
PAUSE_SECONDS = 0.02  # until the threads of the one before have gone to sleep
_LOGGER = logging.getLogger(__name__)
Key = tuple[str, str]  # model, engine


@dataclass(frozen=True)
class BenchmarkOptions:
    """What to measure.

    Args:
        models: see `engines.subject`.
        engines: names in `ENGINES`.
        rounds: of the timings.
        threads: of each engine; None is the number of cores.
        faces: prepared data, a manifest or a folder of images, to calibrate and to compare on;
            None draws faces.
        quick: two rounds, batches of 4 and no cold start: to see that all works.
    """

    models: Sequence[str] = DEFAULT_MODELS
    engines: Sequence[str] = tuple(ENGINES)
    rounds: int = 7
    threads: int | None = None
    faces: str | os.PathLike | None = None
    quick: bool = False

    def __post_init__(self):
        check_integer("rounds", self.rounds, 1)
        if self.threads is not None:
            check_integer("threads", self.threads, 1)
        for engine in self.engines:
            check_choice("engines", engine, ENGINES)
        for name, given in (("models", self.models), ("engines", self.engines)):
            if not given:
                raise ConfigError(f"`{name}` must not be empty. Received: {name}={given!r}")


@dataclass(frozen=True)
class Timing:
    """Seconds of a call, a number a round: the median of the calls in it."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper quartile over the rounds."""
        if len(self.seconds) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return low, high

    def times_faster(self, other: "Timing") -> float:
        """Return how many times as long the other takes: the median of the rounds' ratios.

        >>> Timing((1.0, 2.0)).times_faster(Timing((4.0, 8.0)))
        4.0
        """
        pairs = zip(self.seconds, other.seconds, strict=True)
        return statistics.median(theirs / ours for ours, theirs in pairs)


def timed(
    calls: Mapping[str, Callable[[], object]],
    rounds: Iterable[object],
    repeats: int,
    warm_up: bool = True,
) -> dict[str, Timing]:
    """Time all calls, interleaved, in as many rounds as `rounds` has items.

    In a round each call is timed `repeats` times, with `warm_up` after an untimed one.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in rounds:
        for name, call in calls.items():
            time.sleep(PAUSE_SECONDS)
            if warm_up:
                call()
            seconds[name].append(statistics.median(_seconds(call) for _ in range(repeats)))
    return {name: Timing(tuple(found)) for name, found in seconds.items()}


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def run_benchmark(options: BenchmarkOptions | None = None) -> dict[str, Any]:
    """Measure models in engines, against VGG-16 in Keras, and return plain JSON values.

    The baseline is the backbone "vgg16" with the same head, at 224 x 224, called as predictions by
    Keras call a model. All is timed in interleaved rounds; ratios are medians of the rounds'
    ratios. `tables.text` shows the result, and explains its numbers.

    Raises:
        ConfigError: an option out of range, or a model that cannot have the size asked for.
        ModelFileError: there is no such model.
        DataError: no faces are where they should be.
    """
    import tensorflow as tf

    options = options or BenchmarkOptions()
    threads = options.threads or cores()
    _limit_tensorflow(threads)
    begun = machine()
    with ExitStack() as stack, tf.device("CPU:0"):
        opened = _opened(options, threads, stack)
        found = _timed(opened, options, threads)
        found["models"] = [_row(one, opened, found) for one in opened.subjects]
    for name in ("latency", "throughput"):
        del found[name]
    return {
        "machine": {**begun, "threads": threads},
        **found,
        "not_measured": opened.not_measured,
        "cold_start": {} if options.quick else cold_start.measured(COLD_STARTS),
        "load_after": machine()["load"],
    }


@dataclass
class _Opened:
    subjects: list[Subject]
    runners: dict[Key, Runner]
    differences: dict[Key, dict[str, float] | None]
    not_measured: list[dict[str, str]]


def _limit_tensorflow(threads: int) -> None:
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError:  # in use already
        if tf.config.threading.get_intra_op_parallelism_threads() not in (0, threads):
            _LOGGER.warning("TensorFlow runs already, and keeps its number of threads")


def _opened(options: BenchmarkOptions, threads: int, stack: ExitStack) -> _Opened:
    """Open every model in every engine, and compare it with Keras."""
    names = list(dict.fromkeys(options.models))
    baseline = [] if BASELINE[0] in names else [BASELINE[0]]
    opened = _Opened([subject(name) for name in (*baseline, *names)], {}, {}, [])
    steps = progress(total=len(names) * len(options.engines), label="open")
    with steps:
        for one in opened.subjects:
            is_baseline = one.name == BASELINE[0] and one.name not in names
            engines = [BASELINE[1]] if is_baseline else list(dict.fromkeys(options.engines))
            if one.name == BASELINE[0] and BASELINE[1] not in engines:
                engines.insert(0, BASELINE[1])
            faces = _faces(one, options)
            for engine in engines:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                _open(one, engine, EngineNeeds(threads, folder, faces[::2]), faces[1::2], opened)
                steps.update(0 if is_baseline else 1)
    return opened


def _faces(one: Subject, options: BenchmarkOptions) -> np.ndarray:
    count = 4 if options.quick else FACES
    if options.faces is None:
        return drawn_faces(one.model, count)
    found = faces_of(options.faces, one.model, count)
    return found if len(found) > 1 else np.repeat(found, 2, axis=0)


def _open(one: Subject, engine: str, needs: EngineNeeds, compared: np.ndarray, to: _Opened) -> None:
    key, chosen = (one.name, engine), ENGINES[engine]
    reason = chosen.missing()
    if reason is None:
        try:
            runner = chosen.open(one.model, needs)
            to.differences[key] = None if engine == "keras" else _difference(one, runner, compared)
            to.runners[key] = runner
        except Exception as error:  # of one engine; the others are measured all the same
            reason = f"{type(error).__name__}: {message_of(error, 200)}"
            _LOGGER.warning("%s is not measured in %s: %s", one.name, engine, reason)
    if reason is not None:
        to.not_measured.append({"model": one.name, "engine": engine, "reason": reason})


def _difference(one: Subject, runner: Runner, faces: np.ndarray) -> dict[str, float]:
    expected = keras_outputs(one.model, faces, mirror=False)["value"]
    found = np.abs(np.asarray(runner(faces.astype(np.float32)), np.float64) - expected)
    return {"most": float(found.max()), "mean": float(found.mean()), "faces": len(faces)}


def _timed(opened: _Opened, options: BenchmarkOptions, threads: int) -> dict[str, Any]:
    rounds = 2 if options.quick else options.rounds
    batch = QUICK_BATCH if options.quick else BATCH
    side = 256 if options.quick else SIDE
    large = products(threads, side)
    one = {**_calls(opened, 1), **large}
    many = _calls(opened, batch)
    latency = timed(one, progress(range(rounds), label="batch of 1"), repeats=5)
    for call in many.values():
        call()
    throughput = timed(
        many, progress(range(rounds), label=f"batch of {batch}"), repeats=1, warm_up=False
    )
    return {
        "latency": latency,
        "throughput": throughput,
        "rounds": rounds,
        "batch": batch,
        "faces": "drawn" if options.faces is None else "given",
        "peak": _peak({name: latency[name] for name in large}, side),
    }


def _calls(opened: _Opened, batch: int) -> dict[Key, Callable[[], object]]:
    images = {
        one.name: np.resize(
            drawn_faces(one.model, 1).astype(np.float32), (batch, *(one.model.input_size,) * 2, 3)
        )
        for one in opened.subjects
    }
    return {
        key: lambda runner=runner, given=images[key[0]]: runner(given)
        for key, runner in opened.runners.items()
    }


def _peak(timings: dict[str, Timing], side: int) -> dict[str, float | None]:
    """Return 1e9 operations a second, the most that any round saw, by arithmetic."""
    best: dict[str, float | None] = {"float32": None, "int8": None}
    for name, timing in timings.items():
        kind = name.partition(",")[0]
        rate = operations(side) / min(timing.seconds) / 1e9
        best[kind] = max(best[kind] or 0.0, rate)
    return best


def _row(one: Subject, opened: _Opened, found: dict[str, Any]) -> dict[str, Any]:
    arithmetic = multiply_adds(one.model)
    engines = [key[1] for key in opened.runners if key[0] == one.name]
    return {
        "name": one.name,
        "backbone": one.model.backbone_name,
        "input_size": one.model.input_size,
        "unit": one.model.grid.unit,
        "trained": one.is_trained,
        "parameters": one.model.count_params(),
        "multiply_adds": arithmetic,
        "engines": {
            engine: {
                **_figures((one.name, engine), found, arithmetic),
                "difference": opened.differences[one.name, engine],
            }
            for engine in engines
        },
    }


def _figures(key: Key, found: dict[str, Any], arithmetic: int) -> dict[str, Any]:
    latency, throughput = found["latency"][key], found["throughput"][key]
    low, high = latency.quartiles
    top = found["peak"][ENGINES[key[1]].arithmetic]
    return {
        "milliseconds": 1e3 * latency.median,
        "quartiles": [1e3 * low, 1e3 * high],
        "ratio": latency.times_faster(found["latency"][BASELINE]),
        "images_per_second": found["batch"] / throughput.median,
        "batch_ratio": throughput.times_faster(found["throughput"][BASELINE]),
        "share_of_peak": None if top is None else 2e-9 * arithmetic / latency.median / top,
    }
