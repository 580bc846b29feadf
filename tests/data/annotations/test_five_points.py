"""Five points from the published landmarks, against the points they were made from."""

import numpy as np
import pytest

from keras_dldl.data.annotations.five_points import (
    PointFiles,
    from_68,
    from_box,
    from_fgnet,
    from_scut,
)
from keras_dldl.faces.alignment import MEAN_SHAPE, Alignment, _similarity

# Which of the list's points are left eye, right eye, nose tip, left and right mouth corner.
FGNET = {0: 31, 1: 36, 2: 67, 3: 48, 4: 54}
SCUT = {0: 58, 1: 59, 3: 79, 4: 73}
EYES_OF_68 = {0: range(36, 42), 1: range(42, 48)}


def benchmark_box(landmarks):
    """The aligned box of Paplham and Franc, written out from its definition."""
    left, right, _, *corners = np.asarray(landmarks, float)
    between = (left + right) / 2
    to_mouth = np.mean(corners, axis=0) - between
    across = (right - left) + [to_mouth[1], -to_mouth[0]]
    size = max(1.92 * np.hypot(*(right - left)), 1.89 * np.hypot(*to_mouth))
    x = across / np.hypot(*across) * size
    y = np.array([-x[1], x[0]])
    centre = between + 0.1 * to_mouth
    return np.concatenate([centre + i * x + j * y for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))])


def turned(angle, scale=40.0, centre=(100.0, 90.0)):
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return MEAN_SHAPE @ turn * scale + centre


def test_points_of_fgnet(face_points):
    expected = (MEAN_SHAPE * 40 + [100, 90]).ravel()
    np.testing.assert_allclose(from_fgnet(face_points(68, FGNET)), expected, atol=0.01)


def test_points_of_68(face_points):
    points = face_points(68, {2: 30, 3: 48, 4: 54})
    for which, places in EYES_OF_68.items():
        for k, place in enumerate(places):  # round the eye's centre
            x, y = MEAN_SHAPE[which] * 40 + [100, 90]
            points[place] = (x + 5 * np.cos(k * np.pi / 3), y + 3 * np.sin(k * np.pi / 3))
    expected = (MEAN_SHAPE * 40 + [100, 90]).ravel()
    np.testing.assert_allclose(from_68(points), expected, atol=0.01)


def test_points_of_scut_put_the_nose_where_the_template_has_it(face_points):
    expected = (MEAN_SHAPE * 40 + [100, 90]).ravel()
    np.testing.assert_allclose(from_scut(face_points(86, SCUT)), expected, atol=0.01)


def test_the_nose_of_scut_does_not_sway_the_alignment(face_points):
    points = face_points(86, SCUT)
    points[58] = (points[58][0] + 4, points[58][1] - 3)
    five = np.reshape(from_scut(points), (5, 2))
    four = [0, 1, 3, 4]
    template = Alignment().template(100)
    whole = _similarity(template, five)
    assert whole == pytest.approx(_similarity(template[four], five[four]), abs=1e-3)


@pytest.mark.parametrize("angle", [0, 0.4, -2.5, np.pi])
def test_sides_are_the_viewers_at_any_angle_and_in_any_order(angle):
    face = turned(angle)
    for order in ([0, 1, 2, 3, 4], [1, 0, 2, 4, 3], [1, 0, 2, 3, 4]):
        points = [(0.0, 0.0)] * 68
        for which, place in FGNET.items():
            points[place] = tuple(face[order[which]])
        np.testing.assert_allclose(from_fgnet(points), face.ravel(), atol=0.01)


@pytest.mark.parametrize("derive", [from_68, from_fgnet, from_scut])
def test_lists_of_another_length_or_order_give_none(derive, face_points):
    assert derive([]) is None
    assert derive([(1.0, 2.0)] * 5) is None
    for count in (68, 86):
        assert derive([(3.0, 3.0)] * count) is None
        assert derive(face_points(count, {})) is None
        assert derive([(float("nan"), 1.0)] * count) is None


@pytest.mark.parametrize("angle", [0, 0.3, -1.2])
def test_a_box_of_the_template_gives_the_template(angle):
    face = turned(angle)
    np.testing.assert_allclose(from_box(benchmark_box(face).tolist()), face.ravel(), atol=0.02)


@pytest.mark.parametrize("stretch", [(1.0, 0.9), (1.0, 1.1), (0.9, 1.0)])
def test_a_box_of_another_face_gives_nearly_its_crop(stretch):
    face = MEAN_SHAPE * stretch * 40 + [100, 90]
    from_points = Alignment().template(100)
    direct = _similarity(from_points, face)
    by_box = _similarity(from_points, np.reshape(from_box(benchmark_box(face).tolist()), (5, 2)))
    corners = np.array([0, 100, 100j, 100 + 100j])
    off = np.abs(corners * direct[0] + direct[1] - corners * by_box[0] - by_box[1])
    assert off.max() < 0.12 * 100 * abs(direct[0])


@pytest.mark.parametrize(
    "box", [None, [], [1, 2, 3, 4], [0] * 8, ["x"] * 8, {"x": 1}, [float("inf")] * 8, 7]
)
def test_what_is_no_box_gives_none(box):
    assert from_box(box) is None


def test_files_of_points_are_found_by_the_images_name(root, write, face_points, caplog):
    lines = [f"{x} {y}" for x, y in face_points(68, FGNET)]
    write("points/001a02.pts", "version: 1", "n_points: 68", "{", *lines, "}")
    write("points/001a03.pts", "version: 1", "n_points: 68", "{", *lines[:4], "}")
    files = PointFiles(root, from_fgnet)
    assert files.of("001A02.JPG")[:2] == (80.0, 90.0)
    files.report()
    assert caplog.text == ""
    assert files.of("001A03.JPG") is None and files.of("001A04.JPG") is None
    files.report()
    assert "1 landmark files hold no usable points, such as 001a03.pts" in caplog.text
