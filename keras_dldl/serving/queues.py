"""Bounded queues with worker threads: work is batched, refused when there is too much, finished."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from keras_dldl.serving.refusals import Refusal, busy


@dataclass
class _Item:
    work: Any
    size: int
    future: Future = field(default_factory=Future)
    arrival: float = field(default_factory=time.monotonic)


class WorkQueue:
    """Work that waits for a thread, in order, and goes to it in batches.

    An item that is cancelled before its turn is not done. An item too large for a batch goes alone.

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
        self._items: deque[_Item] = deque()
        self._waiting = 0
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name} {i}", daemon=True)
            for i in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """How much work waits."""
        return self._waiting

    @property
    def alive(self) -> bool:
        """Whether its threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def submit(self, work: Any, size: int = 1) -> Future:
        """Put work into the queue, and return the future of its result.

        Raises:
            Refusal: the queue is full (status 503), or can never hold so much (400).
        """
        if size > self.capacity:
            raise Refusal(
                400,
                f"Task size {size} is larger than the queue of {self.name}, which holds "
                f"{self.capacity}. Send it in parts.",
            )
        with self._changed:
            if self._closed or self._waiting + size > self.capacity:
                raise busy(f"The queue of {self.name}")
            item = _Item(work, size)
            self._items.append(item)
            self._waiting += size
            self._changed.notify()
        return item.future

    async def do(self, work: Any, size: int = 1) -> Any:
        """Submit work and wait for its result; when the waiting is cancelled, so is the work."""
        return await asyncio.wrap_future(self.submit(work, size))

    def close(self) -> None:
        """Finish all that waits, and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._next_batch():
            batch = [item for item in batch if item.future.set_running_or_notify_cancel()]
            if not batch:
                continue
            try:
                results = self._run([item.work for item in batch])
                for item, result in zip(batch, results, strict=True):
                    item.future.set_result(result)
            except Exception as error:
                for item in batch:
                    if not item.future.done():
                        item.future.set_exception(error)
            del batch  # or a picture stays in memory until the next one comes

    def _next_batch(self) -> list[_Item]:
        """Wait for work and return a batch of it; nothing when the queue is closed and empty."""
        with self._changed:
            while not self._items:  # another thread may have taken them while this one waited
                if self._closed:
                    return []
                self._changed.wait()
                self._wait_for_more()
            batch: list[_Item] = []
            room = self._max_batch
            while self._items and (not batch or self._items[0].size <= room):
                item = self._items.popleft()
                room -= item.size
                self._waiting -= item.size
                batch.append(item)
            return batch

    def _wait_for_more(self) -> None:
        while self._items and not self._closed and self._waiting < self._max_batch:
            left = self._items[0].arrival + self._window - time.monotonic()
            if left <= 0:
                return
            self._changed.wait(left)


def run_jobs(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Return what each job gives: the `run` of a queue whose work is functions."""
    return [job() for job in jobs]
