"""Bounded queues: batches, order, room, cancelled work, failures, the end."""

import threading
import time

import pytest

from keras_dldl.serving.queues import WorkQueue, run_jobs
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
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


def until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_what_waits_is_done_in_order_and_in_batches(gate):
    queue = WorkQueue("q", gate, capacity=20, max_batch=4)
    first = queue.submit(0)
    until(lambda: gate.batches)
    others = [queue.submit(k, size) for k, size in [(1, 2), (2, 2), (3, 3), (4, 9), (5, 1)]]
    assert queue.waiting == 17
    gate.open.set()
    assert [f.result(10) for f in [first, *others]] == [0, 2, 4, 6, 8, 10]
    assert gate.batches == [[0], [1, 2], [3], [4], [5]]
    queue.close()


def test_a_batch_waits_for_others_no_longer_than_its_window():
    batches = []
    run = lambda batch: batches.append(len(batch)) or batch  # noqa: E731
    queue = WorkQueue("q", run, capacity=9, max_batch=3, window=2)
    start = time.monotonic()
    futures = [queue.submit(k) for k in range(3)]
    assert [f.result(10) for f in futures] == [0, 1, 2]
    assert time.monotonic() - start < 1.9 and batches == [3]  # it is full: no need to wait
    start = time.monotonic()
    assert queue.submit(7).result(10) == 7
    assert time.monotonic() - start > 1.9
    queue.close()


def test_a_full_queue_refuses_and_says_when_to_come_again(gate):
    queue = WorkQueue("q", gate, capacity=2)
    running = queue.submit(0)
    until(lambda: gate.batches)
    waiting = [queue.submit(1), queue.submit(2)]
    with pytest.raises(Refusal, match="The queue of q is full") as refusal:
        queue.submit(3)
    assert refusal.value.status == 503 and refusal.value.headers["Retry-After"] == "1"
    with pytest.raises(Refusal, match="Task size 3 is larger") as refusal:
        queue.submit(3, 3)
    assert refusal.value.status == 400
    gate.open.set()
    assert [f.result(10) for f in [running, *waiting]] == [0, 2, 4]
    queue.close()


def test_cancelled_work_is_not_done(gate):
    queue = WorkQueue("q", gate, capacity=9)
    queue.submit(0)
    until(lambda: gate.batches)
    left, stays = queue.submit(1), queue.submit(2)
    assert left.cancel()
    gate.open.set()
    assert stays.result(10) == 4 and gate.batches == [[0], [2]]
    queue.close()


def test_a_failure_is_told_to_its_own_batch_and_the_thread_goes_on():
    queue = WorkQueue("q", run_jobs, capacity=9)
    bad, good = queue.submit(lambda: 1 / 0), queue.submit(lambda: 5)
    with pytest.raises(ZeroDivisionError):
        bad.result(10)
    assert good.result(10) == 5 and queue.alive
    queue.close()


def test_closing_finishes_what_was_accepted_and_takes_no_more(gate):
    queue = WorkQueue("q", gate, capacity=9, max_batch=2, window=60)
    futures = [queue.submit(k) for k in range(5)]
    gate.open.set()
    queue.close()
    assert [f.result(0) for f in futures] == [0, 2, 4, 6, 8] and not queue.alive
    with pytest.raises(Refusal):
        queue.submit(9)


def test_several_threads_share_a_queue(gate):
    queue = WorkQueue("q", gate, capacity=9, threads=3)
    futures = [queue.submit(k) for k in range(3)]
    until(lambda: len(gate.batches) == 3)
    gate.open.set()
    assert sorted(f.result(10) for f in futures) == [0, 2, 4]
    assert [queue.submit(k).result(10) for k in range(5)] == [0, 2, 4, 6, 8]
    queue.close()
