"""Work done ahead by threads, its results taken in order; how many there may be."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def cores() -> int:
    """Return how many cores this process may use."""
    available = getattr(os, "sched_getaffinity", None)
    return len(available(0)) if available else os.cpu_count() or 1


def in_order(
    work: Callable[[Given], Made], inputs: Iterable[Given], workers: int
) -> Iterator[Made]:
    """Yield `work(x)` for each of the inputs, in order, some of them done ahead by threads.

    Inputs are taken by the caller's thread, no more than `workers` ahead of the result that is
    yielded: memory stays bounded however many there are. What `work` raises is raised in its turn.

    Args:
        work: called by several threads at once.
        inputs: any number of them.
        workers: threads.

    >>> list(in_order(lambda x: x * x, range(5), workers=2))
    [0, 1, 4, 9, 16]
    """
    waiting: deque[Future[Made]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="keras-dldl")
    try:
        for given in inputs:
            waiting.append(pool.submit(work, given))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
