"""Five points from the published landmarks, against the points they were made from."""

import numpy as np
import pytest

from keras_dldl.data.annotations.five_points import (
    PointFiles,
    from_68,
    from_box,
    from_fgnet,
    from_scut,
    read_points,
)
from keras_dldl.errors import DataError
from keras_dldl.faces.alignment import MEAN_SHAPE, Alignment, _similarity
from tests.data.sources.layouts import (
    POINTS_OF_68,
    POINTS_OF_FGNET,
    POINTS_OF_SCUT,
    binary_points,
    face_points,
    lay_out,
)

FACE = (MEAN_SHAPE * 40 + [100, 90]).ravel()  # what `face_points` are of
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


def test_points_of_published_lists():
    eyes = face_points(68, POINTS_OF_68)
    for which, places in EYES_OF_68.items():
        x, y = MEAN_SHAPE[which] * 40 + [100, 90]
        for k, place in enumerate(places):  # round the eye's centre
            eyes[place] = (x + 5 * np.cos(k * np.pi / 3), y + 3 * np.sin(k * np.pi / 3))
    np.testing.assert_allclose(from_68(eyes), FACE, atol=0.01)
    fgnet, scut = face_points(68, POINTS_OF_FGNET), face_points(86, POINTS_OF_SCUT)
    np.testing.assert_allclose(from_fgnet(fgnet), FACE, atol=0.01)
    np.testing.assert_allclose(from_scut(scut), FACE, atol=0.01)  # the nose from the template


def test_the_nose_of_scut_does_not_sway_the_alignment():
    points = face_points(86, POINTS_OF_SCUT)
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
        for which, place in POINTS_OF_FGNET.items():
            points[place] = tuple(face[order[which]])
        np.testing.assert_allclose(from_fgnet(points), face.ravel(), atol=0.01)


@pytest.mark.parametrize("derive", [from_68, from_fgnet, from_scut])
def test_lists_of_another_length_or_order_give_none(derive):
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


def test_files_of_points_are_found_by_the_images_name(root, caplog):
    lines = [f"{x} {y}" for x, y in face_points(68, POINTS_OF_FGNET)]
    head = ["version: 1", "n_points: 68", "{"]
    lay_out(root, files={"points/001a02.pts": [*head, *lines, "}"],
                         "points/001a03.pts": [*head, *lines[:4], "}"]})  # fmt: skip
    files = PointFiles(root, from_fgnet)
    assert files.of("001A02.JPG")[:2] == (80.0, 90.0)
    files.report()
    assert caplog.text == ""
    assert files.of("001A03.JPG") is None and files.of("001A04.JPG") is None
    files.report()
    assert "1 landmark files hold no usable points, such as 001a03.pts" in caplog.text


@pytest.mark.parametrize(
    ("content", "points"),
    [
        (["version: 1", "n_points:  2", "{", "1.5 2", "3\t4.25", "}"], [(1.5, 2), (3, 4.25)]),
        (["1 2", "3 4"], [(1, 2), (3, 4)]),
        (binary_points([(1, 2), (3, 4.5)]), [(1, 2), (3, 4.5)]),
        (binary_points([]), []),  # as SCUT-FBP5500 has one
    ],
)
def test_points_are_read_from_every_form_of_file(root, content, points):
    lay_out(root, files={"a.pts": content})
    assert read_points(root / "a.pts") == points


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["n_points: 3", "{", "1 2", "3 4", "}"], "must hold 3 points. Received: 2"),
        (["1 2", "3 x"], "line 2: must be x and y. Received: '3 x'"),
        (["1 2 3"], "line 1: must be x and y"),
    ],
)
def test_points_of_another_form(root, lines, reason):
    lay_out(root, files={"a.pts": lines})
    with pytest.raises(DataError, match=reason):
        read_points(root / "a.pts")
