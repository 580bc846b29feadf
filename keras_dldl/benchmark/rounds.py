"""Timing in interleaved rounds: in each round everything is timed once, next to all the others.

A machine's speed drifts with its load and temperature; ratios within a round do not.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

PAUSE_SECONDS = 0.02  # until the threads of the one before have gone to sleep


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
    """Time all calls, interleaved.

    Args:
        calls: what to time.
        rounds: as many rounds as it has items.
        repeats: timed calls in a round.
        warm_up: an untimed call before those, in each round; else in none.
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
