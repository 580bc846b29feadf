"""The loss with teachers against its formula in float64, and a run that has one."""

import logging

import keras
import numpy as np
import pytest

from keras_dldl import LabelGrid, build_model
from keras_dldl.errors import ConfigError
from keras_dldl.faces import Alignment
from keras_dldl.training import TrainConfig, train
from keras_dldl.training.distillation import DistilledLoss, load_teachers
from tests.training.small_data import MINI, write_small_data

GRID = LabelGrid(0, 20)
FACES = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype("float32")
AGES = np.array([[0.0], [3.5], [10.0], [12.0], [20.0]], "float32")


def made(seed, size=32, method="dldl-v2", grid=GRID):
    keras.utils.set_random_seed(seed)
    return build_model("mini", grid, method, input_size=size)


def compiled(student):
    model = student.training_model()
    model.compile(loss=student.method.loss(GRID), jit_compile=False)
    return model


def distributions(model, images):
    return np.asarray(model(images), np.float64)


@pytest.mark.parametrize("method", ["dldl-v2", "ranking-bce"])
def test_the_loss_is_the_weighted_sum(method):
    student, teachers = made(1, method=method), [made(2), made(3)]
    trained = compiled(student)
    raw = trained(FACES)
    labels = float(trained.compute_loss(x=FACES, y=AGES, y_pred=raw))
    loss = DistilledLoss(trained, student, teachers, weight=0.3)

    q = (distributions(teachers[0], FACES) + distributions(teachers[1], FACES)) / 2
    p = distributions(student, FACES)
    divergence = (q * np.log(q / np.maximum(p, 1e-38))).sum(axis=1).mean()
    assert divergence > 1e-3
    expected = 0.7 * labels + 0.3 * divergence
    assert float(loss(x=FACES, y=AGES, y_pred=raw)) == pytest.approx(expected, rel=1e-4)
    unchanged = loss(x=FACES, y=AGES, y_pred=raw, training=False)
    assert float(unchanged) == pytest.approx(labels, rel=1e-6)


def test_a_teacher_of_another_size_sees_the_face_resized():
    student, teacher = made(1), made(2, size=64)
    loss = DistilledLoss(compiled(student), student, [teacher], 0.5)
    flat = np.full((1, 32, 32, 3), 77.0, "float32")
    expected = distributions(teacher, np.full((1, 64, 64, 3), 77.0, "float32"))
    np.testing.assert_allclose(loss.taught(flat), expected, atol=1e-5)


def test_another_grid_is_refused(tmp_path):
    made(1, grid=LabelGrid(0, 10)).save(tmp_path / "other.keras")
    with pytest.raises(ConfigError, match="student's label grid, 0 to 20.*0 to 10 by 1"):
        load_teachers([tmp_path / "other.keras"], made(1))


def test_a_teacher_of_faces_cut_out_in_another_way_is_told(tmp_path, caplog):
    places = {name: str(tmp_path / f"{name}.keras") for name in ("auto", "mtcnn")}
    for detector, place in places.items():
        teacher = build_model("mini", GRID, input_size=32, alignment=Alignment(detector=detector))
        teacher.save(place)
    caplog.set_level(logging.WARNING, "keras_dldl")
    load_teachers(list(places.values()), made(1))
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith(f"The faces are not cut out as the teacher {places['mtcnn']} expects")
    assert told.index("'auto') in the data") < told.index("'mtcnn') in the teacher")


def test_a_run_with_a_teacher(tmp_path):
    data = write_small_data(tmp_path / "data")
    teacher = made(5, grid=LabelGrid.age())
    teacher.save(tmp_path / "teacher.keras")
    before = teacher.get_weights()
    common = {**MINI, "epochs": 1, "data": [str(data)], "seed": 3}
    taught = train(
        TrainConfig(**common, teacher=[str(tmp_path / "teacher.keras")], teacher_weight=1.0),
        tmp_path / "taught",
    )
    alone = train(TrainConfig(**common), tmp_path / "alone")
    assert taught.rows[0]["loss"] != alone.rows[0]["loss"]
    names = TrainConfig.load(taught.out / "config.yaml").teacher
    for was, now in zip(before, load_teachers(names, teacher)[0].get_weights(), strict=True):
        np.testing.assert_array_equal(now, was)
