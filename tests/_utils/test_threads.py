"""Work ahead: in order, bounded, errors in their turn, nothing left running."""

import os
import threading
import time

import pytest

from keras_dldl._utils.threads import cores, in_order


def test_results_come_in_order_whatever_takes_longest():
    def work(x):
        time.sleep(0.02 if x % 3 == 0 else 0)
        return x

    assert list(in_order(work, range(20), workers=4)) == list(range(20))


def test_no_more_is_taken_than_the_workers_need():
    taken = []

    def inputs():
        for x in range(50):
            taken.append(x)
            yield x

    results = in_order(lambda x: x, inputs(), workers=3)
    assert taken == []
    for done in range(40):
        next(results)
        assert len(taken) <= done + 1 + 3
    results.close()
    assert len(taken) < 50


def test_work_overlaps():
    together = threading.Barrier(3, timeout=20)
    assert len(list(in_order(lambda x: together.wait(), range(3), workers=3))) == 3


def test_an_error_is_raised_in_its_turn_and_ends_the_threads():
    def work(x):
        if x == 2:
            raise ValueError("two")
        return x

    results = in_order(work, range(9), workers=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)
    assert not any(t.name.startswith("keras-dldl") for t in threading.enumerate())


def test_cores_are_those_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(5)), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert cores() == 5
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores() == 64
