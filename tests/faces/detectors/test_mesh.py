"""The mesh on one face: where it looks next, and what it sees in the mirror image."""

import numpy as np
import pytest

from keras_dldl.faces.alignment import MEAN_SHAPE
from keras_dldl.faces.cutting import Picture
from keras_dldl.faces.detectors.mesh import (
    BOX_ABOVE,
    BOX_SIDE,
    FIVE_POINTS,
    MIRRORED,
    FaceMesh,
    Mesh,
)

SHAPE = MEAN_SHAPE @ [1, 1j]


def ring(middle, radius):
    """468 points in two views, all `radius` from the middle."""
    points = middle + radius * np.exp(2j * np.pi * np.arange(468) / 468)
    return np.stack([points, points[::-1]])


@pytest.mark.parametrize("degrees", [0, 30, 90, 180, -120])
def test_the_next_look_is_turned_placed_and_scaled_as_the_face_is(degrees):
    turn = np.exp(1j * np.radians(degrees))
    mesh = Mesh(ring(300 + 200j, 40.0), 300 + 200j + 50 * turn * SHAPE, 1.0)
    assert mesh.up == pytest.approx(-1j * turn)
    centre, side = mesh.square
    assert side == pytest.approx(BOX_SIDE * 40)
    assert centre == pytest.approx(300 + 200j - 1j * turn * BOX_ABOVE * 40)


def test_one_point_gone_astray_hardly_moves_the_next_look():
    points = ring(300 + 200j, 40.0)
    sure = Mesh(points, 300 + 200j + 50 * SHAPE, 1.0).square
    points[0, 0] += 20  # half a radius: the edge of the box moves by as much
    moved = Mesh(points, 300 + 200j + 50 * SHAPE, 1.0).square
    assert abs(moved[0] - sure[0]) < 0.1 and abs(moved[1] - sure[1]) < 0.2


def biased_network(bias):
    """Return a network that sees a mean shape around the light, `bias` to the right."""

    def network(crop):
        light = crop[0, ..., 0].astype(np.float64)
        y, x = np.tensordot(np.indices(light.shape), light, 2) / light.sum()
        points = np.zeros((468, 3))
        points[:, :2] = [x + 0.5 + bias, y + 0.5]
        for of, (right, below) in zip(FIVE_POINTS, MEAN_SHAPE, strict=True):
            points[list(of), :2] += [40 * right, 40 * below]
        return {"points": points.reshape(1, 1, 1, -1), "flag": np.full((1, 1, 1, 1), bias / 2)}

    return network


def test_a_leaning_of_the_network_to_one_side_cancels_in_the_mirror_image():
    image = np.zeros((400, 400, 3), np.uint8)
    image[150:154, 220:224] = 255
    mesh, picture = FaceMesh(biased_network(6.0)), Picture(image)
    place = (210 + 160j, 128.0, -1j)
    once = mesh.fit(picture, *place)
    assert once.points.shape == (1, 468)
    assert once.presence == pytest.approx(1 / (1 + np.exp(-3.0)))
    assert once.five_points[2].real == pytest.approx(222 + 6, abs=1)
    both = mesh.refit(picture, once)
    assert both.points.shape == (2, 468)
    assert both.presence == once.presence
    assert both.five_points[2].real == pytest.approx(222, abs=1)


def test_left_and_right_change_places_in_the_mirror():
    mirrored = -SHAPE.conj()
    np.testing.assert_allclose(mirrored[MIRRORED], SHAPE)
