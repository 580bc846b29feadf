"""Bounded queues: batches, order, room, cancelled work, failures, the end."""

import asyncio
import gc
import threading
import time
import weakref
from functools import partial

import numpy as np
import pytest

from keras_dldl.serving.queues import WorkQueue, job_done, run_jobs
from keras_dldl.serving.refusals import Refusal


class Gate:
    """A `run` that notes its batches and waits until it is let through."""

    def __init__(self):
        self.open = threading.Event()
        self.batches = []

    def __call__(self, batch):
        self.batches.append(batch)
        assert self.open.wait(10)
        return [2 * work for work in batch]


@pytest.fixture
def gated():
    """Make a queue whose first work, 0, is running and waits until the gate is opened."""
    gate, queues = Gate(), []

    def gated(**options):
        queues.append(WorkQueue("q", gate, **options))
        queues[0].submit(0)
        until(lambda: gate.batches)
        return queues[0], gate

    yield gated
    gate.open.set()
    queues[0].close()


def until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def results(gate, futures):
    gate.open.set()
    return [future.result(10) for future in futures]


def test_what_waits_is_done_in_order_and_in_batches(gated):
    queue, gate = gated(capacity=20, max_batch=4)
    others = [queue.submit(k, size) for k, size in [(1, 2), (2, 2), (3, 3), (4, 9), (5, 1)]]
    assert queue.waiting == 17
    assert results(gate, others) == [2, 4, 6, 8, 10]
    assert gate.batches == [[0], [1, 2], [3], [4], [5]]


def test_what_came_while_a_batch_ran_waits_for_others_too():
    running, release, batches = threading.Event(), threading.Event(), []

    def run(batch):
        batches.append(batch)
        running.set()
        assert release.wait(10)
        return batch

    queue = WorkQueue("q", run, capacity=9, max_batch=2, window=60)
    first = queue.submit("full", size=2)
    assert running.wait(10)
    second = queue.submit("early")
    release.set()
    first.result(10)
    time.sleep(0.1)  # in which the thread looks for its next batch
    third = queue.submit("late")
    assert [second.result(10), third.result(10)] == ["early", "late"]
    queue.close()
    assert batches == [["full"], ["early", "late"]]


def test_the_cheapest_goes_first_and_of_equals_the_first(gated):
    queue, gate = gated(capacity=20)
    others = [queue.submit(k, cost=cost) for k, cost in [(1, 5), (2, 1), (3, 5), (4, 0)]]
    assert results(gate, others) == [2, 4, 6, 8]
    assert gate.batches == [[0], [4], [2], [1], [3]]


def jobs_of(costs, steps=3):
    """Return what jobs of these costs do in one thread, in order; the first begins alone."""
    queue, done, begun, go = WorkQueue("q", run_jobs, capacity=9), [], threading.Event(), []

    def function(cost, between):
        begun.set()
        until(lambda: go)
        for step in range(steps):
            between()
            done.append((cost, step))

    async def all_done():
        jobs = [job_done(partial(function, cost), queue, cost) for cost in costs]
        tasks = [asyncio.ensure_future(jobs[0])]
        await asyncio.to_thread(begun.wait, 10)
        tasks += [asyncio.ensure_future(job) for job in jobs[1:]]
        await asyncio.sleep(0)
        go.append(True)
        await asyncio.gather(*tasks)

    asyncio.run(all_done())
    queue.close()
    return done


def test_long_jobs_let_those_of_less_than_half_their_cost_pass_between_their_steps():
    assert jobs_of([100, 60, 40, 10], steps=1) == [(10, 0), (40, 0), (100, 0), (60, 0)]
    assert jobs_of([100, 90], steps=2) == [(100, 0), (100, 1), (90, 0), (90, 1)]


def test_a_job_ends_between_two_steps_where_nobody_waits_for_it():
    queue, steps = WorkQueue("q", run_jobs, capacity=9), []

    def endless(between):
        while True:
            steps.append(1)
            time.sleep(0.01)
            between()

    async def leave():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(job_done(endless, queue, 1), 0.1)

    asyncio.run(leave())
    queue.close()  # waits for what runs
    assert 1 <= len(steps) < 100


def test_a_batch_waits_for_others_no_longer_than_its_window():
    batches = []
    queue = WorkQueue("q", lambda b: batches.append(len(b)) or b, capacity=9, max_batch=3, window=1)
    start = time.monotonic()
    futures = [queue.submit(k) for k in range(3)]
    assert [f.result(10) for f in futures] == [0, 1, 2]
    assert time.monotonic() - start < 0.9 and batches == [3]  # it is full: no need to wait
    start = time.monotonic()
    assert queue.submit(7).result(10) == 7
    assert time.monotonic() - start > 0.95
    queue.close()


def test_a_full_queue_refuses_and_says_when_to_come_again(gated):
    queue, gate = gated(capacity=2)
    waiting = [queue.submit(1), queue.submit(2)]
    with pytest.raises(Refusal, match="The queue of q is full") as refusal:
        queue.submit(3)
    assert refusal.value.status == 503 and refusal.value.headers["Retry-After"] == "1"
    with pytest.raises(Refusal, match="Task size 3 is larger") as refusal:
        queue.submit(3, 3)
    assert refusal.value.status == 400
    assert results(gate, waiting) == [2, 4]


def test_cancelled_work_is_not_done_and_leaves_its_room_to_others(gated):
    queue, gate = gated(capacity=4, max_batch=4)
    left, stays = queue.submit(1, 3), queue.submit(2)
    assert queue.waiting == 4 and left.cancel() and queue.waiting == 1
    more = queue.submit(3, 3)  # refused if the cancelled work kept its place
    assert queue.waiting == 4
    assert results(gate, [stays, more]) == [4, 6]
    assert gate.batches == [[0], [2, 3]] and queue.waiting == 0


def test_a_failure_is_told_to_its_own_batch_and_the_thread_goes_on():
    queue = WorkQueue("q", run_jobs, capacity=9)
    bad, good = queue.submit(lambda: 1 / 0), queue.submit(lambda: 5)
    with pytest.raises(ZeroDivisionError):
        bad.result(10)
    assert good.result(10) == 5 and queue.alive
    queue.close()


def test_closing_finishes_what_was_accepted_and_takes_no_more():
    queue = WorkQueue("q", list, capacity=9, max_batch=2, window=60)
    futures = [queue.submit(k) for k in range(5)]
    queue.close()
    assert [f.result(0) for f in futures] == [0, 1, 2, 3, 4] and not queue.alive
    with pytest.raises(Refusal):
        queue.submit(9)


def test_several_threads_share_a_queue(gated):
    queue, gate = gated(capacity=9, threads=3)
    futures = [queue.submit(k) for k in (1, 2)]
    until(lambda: len(gate.batches) == 3)
    assert results(gate, futures) == [2, 4]


def test_a_photo_is_kept_by_nobody_who_awaited_it():
    queue = WorkQueue("photos", lambda batch: [np.zeros(9) for _ in batch], capacity=4)

    async def ask():
        return weakref.ref(await queue.do(None))

    gc.disable()
    try:
        kept = asyncio.run(ask())
        queue.close()
        assert kept() is None
    finally:
        gc.enable()
