"""A face's geometry by hand arithmetic."""

import math

import numpy as np
import pytest

from keras_dldl.faces.alignment import MEAN_SHAPE
from keras_dldl.faces.face import Face, largest, left_to_right


def turned(degrees):
    """Return the five points of an upright face after a turn, clockwise as one sees it."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return 40 * MEAN_SHAPE @ np.array([[c, s], [-s, c]]) + 100


@pytest.mark.parametrize("degrees", [0, 30, 90, 179, -45, -120])
def test_roll_is_the_turn_in_degrees_clockwise(degrees):
    assert Face((0, 0, 9, 9), turned(degrees), 1.0).roll == pytest.approx(degrees)


def test_clockwise_is_as_one_sees_it():
    # The forehead of an upright face points up; after a quarter turn clockwise, to the right.
    points = turned(90)
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    assert eyes[0] - mouth[0] == pytest.approx(40 * 1.04) and eyes[1] == pytest.approx(mouth[1])


def test_scaled_and_cut_at_edges():
    face = Face((-5.0, 10.0, 30.0, 40.0), turned(0), 0.5)
    double = face.scaled(2)
    assert double.box == (-10, 20, 60, 80) and (double.landmarks == 2 * face.landmarks).all()
    assert face.cut_at_edges((45, 20, 3)).box == (0, 10, 20, 35)


@pytest.mark.parametrize(
    "box", [(20, 10, 9, 9), (-9, 10, 9, 9), (5, 45, 9, 9), (5, -30, 9, 9), (5, 5, 0, 9)]
)
def test_nothing_is_left_of_a_face_outside_of_the_picture(box):
    assert Face(box, turned(0), 0.5).cut_at_edges((45, 20, 3)) is None


def test_largest():
    small, large = (Face((0, 0, k, k), np.zeros((5, 2)), 1.0) for k in (2, 3))
    assert largest([small, large]) is large
    assert largest([]) is None


def test_left_to_right():
    faces = [Face((x, 0, 5, 5), np.zeros((5, 2)), 1.0) for x in (3, -1, 7)]
    assert [face.box[0] for face in left_to_right(faces)] == [-1, 3, 7]
