import math

import keras
import numpy as np
import pytest

from keras_dldl.training.config import OPTIMIZERS, TrainConfig
from keras_dldl.training.optimizer import LearningRate, make_optimizer


def test_optimizers_carry_their_settings():
    adam = make_optimizer(TrainConfig(gradient_clip_norm=2, epsilon=1e-7), [])
    assert (type(adam).__name__, adam.epsilon, adam.global_clipnorm) == ("Adam", 1e-7, 2)
    assert adam.weight_decay is None
    sgd = make_optimizer(TrainConfig(optimizer="sgd", momentum=0.5), [])
    assert (type(sgd).__name__, sgd.momentum) == ("SGD", 0.5)
    lamb = make_optimizer(TrainConfig(optimizer="lamb", beta_1=0.8), [], ema=0.99)
    assert (type(lamb).__name__, lamb.beta_1, lamb.ema_momentum) == ("Lamb", 0.8, 0.99)
    lion = make_optimizer(TrainConfig(optimizer="lion", beta_2=0.99), [])
    assert (type(lion).__name__, lion.beta_2, lion.use_ema) == ("Lion", 0.99, False)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_weight_decay_shrinks_kernels_alone(kind):
    kernel, bias = keras.Variable(np.ones((2, 2))), keras.Variable(np.ones(2))
    config = TrainConfig(optimizer=kind, weight_decay=0.1, learning_rate=0.5)
    optimizer = make_optimizer(config, [kernel, bias])
    optimizer.build([kernel, bias])
    optimizer.apply([np.zeros((2, 2), "float32"), np.zeros(2, "float32")])
    # Decoupled: value - rate * decay * value = 1 - 0.5 * 0.1.
    np.testing.assert_allclose(kernel, np.full((2, 2), 0.95), rtol=1e-6)
    np.testing.assert_array_equal(bias, np.ones(2))


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
    assert (schedule.at(0), schedule.at(19)) == (1.0, pytest.approx(0.1))
    assert rate(1, schedule="cosine", epochs=1).at(0) == 1e-3


def test_constant_with_warm_up_of_half_an_epoch():
    schedule = rate(4, schedule="constant", warmup_epochs=0.5, learning_rate=0.1)
    values = [schedule.at(step) for step in range(4)]
    assert values == pytest.approx([0.05, 0.1, 0.1, 0.1])


def test_cosine_begins_anew_with_whole_epochs():
    config = TrainConfig(schedule="cosine", epochs=7, restart_epochs=3, warmup_epochs=0.5)
    rate = LearningRate(config, steps_per_epoch=4)
    values = [rate.at(step) for step in range(28)]
    assert values[:2] == [0.0005, 0.001]
    assert values[2] == values[12] == values[24] == 0.001
    assert values[11] == pytest.approx(0) and values[23] == pytest.approx(0)
    assert all(a > b for a, b in zip(values[12:23], values[13:24], strict=True))
