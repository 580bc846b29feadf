import math

import pytest

from keras_dldl.training.config import TrainConfig
from keras_dldl.training.schedule import LearningRate


def rate(steps=10, **settings):
    return LearningRate(TrainConfig(**settings), steps)


def test_step_divides_by_ten_every_thirty_epochs():
    schedule = rate(epochs=90)
    assert schedule.at(0) == schedule.at(299) == 1e-3
    assert schedule.at(300) == schedule.at(599) == pytest.approx(1e-4)
    assert schedule.at(600) == pytest.approx(1e-5)


def test_cosine_by_hand():
    # 2 epochs of 3 steps after a warm-up of 1 epoch: steps 3..8 are shares 0, 0.2, ..., 1.
    schedule = rate(3, schedule="cosine", epochs=3, warmup_epochs=1, learning_rate=0.4)
    assert [schedule.at(step) for step in range(3)] == pytest.approx([0.4 / 3, 0.8 / 3, 0.4])
    expected = [0.2 * (1 + math.cos(math.pi * k / 5)) for k in range(6)]
    assert [schedule.at(step) for step in range(3, 9)] == pytest.approx(expected)
    assert schedule.at(8) == pytest.approx(0)


def test_cosine_ends_at_the_final_rate():
    schedule = rate(4, schedule="cosine", epochs=5, learning_rate=1.0, final_learning_rate=0.1)
    assert schedule.at(0) == 1.0
    assert schedule.at(19) == pytest.approx(0.1)


def test_constant_with_warm_up_of_half_an_epoch():
    schedule = rate(4, schedule="constant", warmup_epochs=0.5, learning_rate=0.1)
    values = [schedule.at(step) for step in range(4)]
    assert values == pytest.approx([0.05, 0.1, 0.1, 0.1])


def test_cosine_over_a_single_step():
    assert rate(1, schedule="cosine", epochs=1).at(0) == 1e-3


def test_cosine_begins_anew_with_whole_epochs():
    config = TrainConfig(schedule="cosine", epochs=7, restart_epochs=3, warmup_epochs=0.5)
    rate = LearningRate(config, steps_per_epoch=4)
    values = [rate.at(step) for step in range(28)]
    assert values[:2] == [0.0005, 0.001]
    assert values[2] == values[12] == values[24] == 0.001
    assert values[11] == pytest.approx(0) and values[23] == pytest.approx(0)
    assert all(a > b for a, b in zip(values[12:23], values[13:24], strict=True))
