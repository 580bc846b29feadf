"""Ctrl-C during training: kept until it is asked for, and never lost."""

import os
import signal
import threading

import pytest

from keras_dldl.training.interrupt import Interrupt


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_is_kept_until_it_is_asked_for(caplog):
    with Interrupt() as interrupt:
        interrupt.check()
        press_ctrl_c()
        assert "Stopping after this step" in caplog.text
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()


def test_the_second_acts_at_once():
    with Interrupt(), pytest.raises(KeyboardInterrupt):
        press_ctrl_c()
        press_ctrl_c()


def test_one_that_comes_in_a_finaliser_is_not_lost(caplog):
    class Finalised:
        def __del__(self):
            press_ctrl_c()

    with Interrupt() as interrupt:
        Finalised()
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()


def test_afterwards_all_is_as_before():
    with Interrupt():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_handler_of_somebody_else_stays():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        with Interrupt() as interrupt:
            press_ctrl_c()
            interrupt.check()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [1]


def test_another_thread_changes_nothing():
    failures = []

    def work():
        try:
            with Interrupt() as interrupt:
                interrupt.check()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failures == []
