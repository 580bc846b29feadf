"""Bounded queues with worker threads: work is batched, refused when there is too much, finished."""

import asyncio
import heapq
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from keras_dldl.serving.refusals import ClientGone, Refusal, busy


@dataclass(order=True)
class _Item:
    cost: float
    number: int
    work: Any = field(compare=False)
    size: int = field(compare=False)
    future: Future = field(default_factory=Future, compare=False)
    arrival: float = field(default_factory=time.monotonic, compare=False)


class WorkQueue:
    """Work that waits for a thread, the cheapest first, and goes to it in batches.

    Of work that costs the same, what came first goes first. An item that is cancelled before its
    turn is not done, and its room is free at once. An item too large for a batch goes alone.

    Args:
        name: what is full, in a refusal.
        run: from the items of a batch to their results, in order.
        capacity: the most work that may wait, in the unit of the items' sizes.
        max_batch: the most in one batch, in the same unit.
        window: seconds that the first item of a batch waits for others.
        threads: how many batches run at a time.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[list[Any]], Sequence[Any]],
        capacity: int,
        max_batch: int = 1,
        window: float = 0.0,
        threads: int = 1,
    ):
        self.name = name
        self.capacity = capacity
        self._run = run
        self._max_batch = max_batch
        self._window = window
        self._items: list[_Item] = []  # a heap
        self._submitted = 0
        self.waiting = 0  # in the unit of the items' sizes
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name} {i}", daemon=True)
            for i in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        """Whether its threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def submit(self, work: Any, size: int = 1, cost: float = 0) -> Future:
        """Put work into the queue, and return the future of its result.

        Args:
            work: what `run` gets.
            size: how much of the capacity it takes while it waits.
            cost: how long it takes, in a unit of the queue's own.
        """
        if size > self.capacity:
            raise Refusal(
                400,
                f"Task size {size} is larger than the queue of {self.name}, which holds "
                f"{self.capacity}. Send it in parts.",
            )
        with self._changed:
            if self._closed or self.waiting + size > self.capacity:
                raise busy(f"The queue of {self.name}")
            self._submitted += 1
            item = _Item(cost, self._submitted, work, size)
            heapq.heappush(self._items, item)
            self.waiting += size
            self._changed.notify()
        # By its number: a future that knew its item would keep its result, such as a photo, until
        # the garbage collector comes.
        number = item.number
        item.future.add_done_callback(lambda future: future.cancelled() and self._remove(number))
        return item.future

    async def do(self, work: Any, size: int = 1, cost: float = 0) -> Any:
        """Submit work and wait for its result; when the waiting is cancelled, so is the work."""
        return await asyncio.wrap_future(self.submit(work, size, cost))

    def let_pass(self, cost: float) -> None:
        """Do all that waits and costs less than so much: long work calls this between its steps."""
        while batch := self._taken(cost):
            self._do(batch)

    def close(self) -> None:
        """Finish all that waits, and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._next_batch():
            self._do(batch)
            del batch  # or a picture stays in memory until the next one comes

    def _do(self, batch: list[_Item]) -> None:
        batch = [item for item in batch if item.future.set_running_or_notify_cancel()]
        if not batch:
            return
        try:
            results = self._run([item.work for item in batch])
            for item, result in zip(batch, results, strict=True):
                item.future.set_result(result)
        except Exception as error:
            for item in batch:
                if not item.future.done():
                    item.future.set_exception(error)

    def _next_batch(self) -> list[_Item]:
        """Wait for work and return a batch of it; nothing when the queue is closed and empty."""
        with self._changed:
            while True:
                self._wait_for_more()  # of what came while a batch ran, too
                if self._items:  # another thread may have taken them while this one waited
                    return self._taken()
                if self._closed:
                    return []
                self._changed.wait()

    def _remove(self, number: int) -> None:
        with self._changed:
            item = next((item for item in self._items if item.number == number), None)
            if item is not None:  # else a thread has it already
                self._items.remove(item)
                heapq.heapify(self._items)
                self.waiting -= item.size

    def _taken(self, cost: float = math.inf) -> list[_Item]:
        """Return a batch of what waits and costs less than so much."""
        batch: list[_Item] = []
        room = self._max_batch
        with self._changed:
            while self._items and self._items[0].cost < cost:
                if batch and self._items[0].size > room:
                    break
                item = heapq.heappop(self._items)
                room -= item.size
                self.waiting -= item.size
                batch.append(item)
        return batch

    def _wait_for_more(self) -> None:
        while self._items and not self._closed and self.waiting < self._max_batch:
            left = self._items[0].arrival + self._window - time.monotonic()
            if left <= 0:
                return
            self._changed.wait(left)


async def job_done(
    function: Callable[[Callable[[], None]], Any], queue: WorkQueue, cost: float
) -> Any:
    """Put a job into a queue of functions, see `run_jobs`, and wait for its result.

    Args:
        function: gets a function to call between its steps, which lets cheaper jobs pass, and
            raises `ClientGone` where nobody waits for the result any more.
        queue: where the job is put.
        cost: of the job, see `WorkQueue.submit`.
    """
    wanted = True

    def between() -> None:
        # By half: of jobs that are done within each other none is as large as that around it.
        queue.let_pass(cost / 2)
        if not wanted:
            raise ClientGone("Nobody waits for the answer")

    try:
        return await queue.do(partial(function, between), cost=cost)
    finally:
        wanted = False


def run_jobs(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Return what each job gives: the `run` of a queue whose work is functions."""
    return [job() for job in jobs]
