"""The default detector on a real photograph: turned, reduced, enlarged, in groups, and nothing."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from keras_dldl.faces.alignment import MEAN_SHAPE
from keras_dldl.faces.detectors import as_detector, auto
from keras_dldl.faces.detectors.auto import AutoDetector
from keras_dldl.faces.detectors.blazeface import Candidate
from keras_dldl.faces.detectors.mesh import Mesh
from keras_dldl.faces.detectors.mtcnn import MTCNNDetector
from keras_dldl.faces.face import Face, largest


@pytest.fixture(scope="module")
def detector():
    found = as_detector("auto")
    assert isinstance(found, AutoDetector)  # the wheel with its networks is a base dependency
    return found


@pytest.fixture(scope="module")
def portrait():
    """Return a face with its surroundings, (300, 300, 3)."""
    from skimage.data import astronaut

    return astronaut()[:300, 70:370]


@pytest.fixture(scope="module")
def face(detector, portrait):
    (found,) = detector.detect_large([portrait])[0]
    return found


def eye_distance(face):
    return np.linalg.norm(face.landmarks[1] - face.landmarks[0])


def test_the_points_are_those_of_mtcnn_up_to_a_tenth_of_the_eye_distance(portrait, face):
    (other,) = MTCNNDetector().detect([portrait])[0]
    away = np.linalg.norm(face.landmarks - other.landmarks, axis=1) / eye_distance(other)
    assert away.max() < 0.1
    assert 0.99 < face.score <= 1 and abs(face.roll) < 10


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_turned_photo_gives_the_same_points(detector, portrait, face, turn):
    (found,) = detector.detect_large([np.ascontiguousarray(np.rot90(portrait, turn))])[0]
    # np.rot90 takes (x, y) of a picture of W x H to (y, W - x), and so on.
    points = face.landmarks
    for _ in range(turn):
        points = np.stack([points[:, 1], 300 - points[:, 0]], axis=1)
    assert np.abs(found.landmarks - points).max() < 0.05 * eye_distance(face)
    expected = (face.roll - 90 * turn + 180) % 360 - 180
    assert abs((found.roll - expected + 180) % 360 - 180) < 3


@pytest.mark.parametrize("degrees", range(20, 360, 40))
def test_any_angle(detector, portrait, degrees):
    turned = Image.fromarray(portrait).rotate(-degrees, Image.Resampling.BICUBIC, expand=True)
    found = largest(detector.detect_large([np.asarray(turned)])[0])
    assert abs((found.roll - degrees - face_roll(detector, portrait) + 180) % 360 - 180) < 6


def face_roll(detector, portrait):
    return detector.detect_large([portrait])[0][0].roll


def test_all_faces_of_a_group_down_to_25_pixels(detector, portrait):
    group = np.full((700, 1280, 3), 90, np.uint8)
    sides = (300, 200, 120, 80)
    left = 20
    for side in sides:
        small = Image.fromarray(portrait).resize((side, side), Image.Resampling.LANCZOS)
        group[100 : 100 + side, left : left + side] = np.asarray(small)
        left += side + 60
    faces = detector.detect([group])[0]
    assert [round(face.box[0]) for face in faces] == sorted(round(face.box[0]) for face in faces)
    assert len(faces) == 4
    widths = sorted(eye_distance(face) for face in faces)
    assert np.allclose(
        np.array(widths) / widths[-1], np.array([80, 120, 200, 300]) / 300, atol=0.03
    )


def test_an_upright_and_a_turned_face_in_one_picture(detector, portrait):
    both = np.concatenate([portrait, np.rot90(portrait, 2)], axis=1)
    upright, turned = detector.detect([both])[0]
    assert abs(upright.roll) < 10 and abs(turned.roll) > 170


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_small_turned_face_among_upright_ones(detector, portrait, turn):
    cells = [np.asarray(Image.fromarray(portrait).resize((256, 256)))] * 15
    cells[7] = np.rot90(cells[7], turn)
    rows = [np.concatenate(cells[first : first + 5], axis=1) for first in (0, 5, 10)]
    faces = detector.detect([np.concatenate(rows)])[0]
    middles = [np.array(face.box) @ [[1, 0], [0, 1], [0.5, 0], [0, 0.5]] // 256 for face in faces]
    assert len(faces) == 15 == len({tuple(middle) for middle in middles})
    (turned,) = [face for face in faces if abs(face.roll) > 45]
    assert abs((turned.roll + 90 * turn + 180) % 360 - 180) < 15


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_group_photo_that_lies_on_its_side(detector, portrait, turn):
    cells = [np.asarray(Image.fromarray(portrait).resize((100, 100)))] * 24
    cells[0] = enlarged(portrait[20:240, 50:270], 100)  # as some turned faces are found anyway
    rows = [np.concatenate(cells[first : first + 6], axis=1) for first in (0, 6, 12, 18)]
    faces = detector.detect([np.ascontiguousarray(np.rot90(np.concatenate(rows), turn))])[0]
    assert len(faces) == 24
    assert all(abs((face.roll + 90 * turn + 180) % 360 - 180) < 25 for face in faces)


def test_a_small_face_in_a_picture_on_its_side(detector, portrait):
    picture = np.full((600, 900, 3), 90, np.uint8)
    picture[200:400, 300:500] = np.asarray(Image.fromarray(portrait).resize((200, 200)))
    (face,) = detector.detect_large([np.ascontiguousarray(np.rot90(picture, 3))])[0]
    assert 80 < face.roll < 100


def test_a_tiny_face_in_a_large_picture_on_its_side(detector, portrait):
    picture = np.full((1800, 2700, 3), 90, np.uint8)
    picture[400:560, 2000:2160] = np.asarray(Image.fromarray(portrait).resize((160, 160)))
    (face,) = detector.detect_large([np.ascontiguousarray(np.rot90(picture, 3))])[0]
    assert 80 < face.roll < 100
    # Turned to the right, (x, y) of a picture 1,800 high becomes (1800 - y, x).
    middle = np.array(face.box[:2]) + np.array(face.box[2:]) / 2
    assert np.abs(middle - [1800 - 480, 2080]).max() < 40


def test_a_small_diagonal_face_is_found_as_the_largest_too(detector, portrait):
    turned = Image.fromarray(portrait).rotate(-135, Image.Resampling.BICUBIC, fillcolor=(90,) * 3)
    picture = np.full((960, 1280, 3), 90, np.uint8)
    picture[300:540, 700:940] = np.asarray(turned.resize((240, 240), Image.Resampling.LANCZOS))
    for search in (detector.detect, detector.detect_large):
        (face,) = search([picture])[0]
        assert abs(face.roll - 135) < 20


@pytest.mark.parametrize("share", [0.45, 0.5, 0.55])
def test_the_upper_half_of_a_face_is_not_taken_for_one_on_its_head(detector, portrait, face, share):
    x, y, width, height = face.box
    half = enlarged(portrait[: round(y + share * height)], 300)
    for found in detector.detect_large([half])[0]:
        assert abs(found.roll) < 45


def test_a_face_that_fills_the_picture(detector, portrait, face):
    x, y, width, height = map(round, face.box)
    tight = np.ascontiguousarray(portrait[y : y + height, x : x + width])
    (found,) = detector.detect_large([tight])[0]
    assert np.abs(found.landmarks + (x, y) - face.landmarks).max() < 0.08 * eye_distance(face)


def test_most_of_a_face_at_the_edge_has_its_box_within_the_picture(detector, portrait, face):
    x, _, width, _ = map(round, face.box)
    most = np.ascontiguousarray(portrait[:, x + width // 4 :])
    (found,) = detector.detect([most])[0]
    left, _, box_width, _ = found.box
    assert left == 0 and 0.6 * width < box_width < 0.9 * width
    away = found.landmarks + (x + width // 4, 0) - face.landmarks
    assert np.abs(away).max() < 0.15 * eye_distance(face)


@pytest.mark.parametrize(
    "shape", [(1, 1), (2, 3), (10, 10), (23, 300), (24, 2000), (2000, 24), (64, 64)]
)
def test_no_face_in_odd_pictures(detector, shape):
    for image in (
        np.zeros((*shape, 3), np.uint8),
        np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8),
    ):
        assert detector.detect([image]) == [[]]
        assert detector.detect_large([image]) == [[]]


def test_a_batch_equals_single_images(detector, portrait):
    images = [
        portrait,
        np.full((90, 120, 3), 128, np.uint8),
        np.ascontiguousarray(portrait[:, ::-1]),
    ]
    for find in (detector.detect, detector.detect_large):
        together = find(images)
        for image, faces in zip(images, together, strict=True):
            alone = find([image])[0]
            assert [face.box for face in faces] == [face.box for face in alone]
        assert [len(faces) for faces in together] == [1, 0, 1]


def test_no_images(detector):
    assert detector.detect([]) == detector.detect_large([]) == []


def beside(*pictures):
    """Return square pictures side by side on grey, each from the top."""
    width = sum(picture.shape[1] for picture in pictures)
    both = np.full((max(map(len, pictures)), width, 3), 90, np.uint8)
    left = 0
    for picture in pictures:
        both[: len(picture), left : left + picture.shape[1]] = picture
        left += picture.shape[1]
    return both


def enlarged(picture, side):
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))


def test_a_large_face_that_the_mesh_refuses_is_not_lost_to_a_small_bystander(portrait, face):
    x, y, *_ = map(round, face.box)
    covered = portrait.copy()
    covered[y + 30 : y + 90, x + 10 : x + 70] = 20
    picture = beside(enlarged(covered, 600), enlarged(portrait, 400))
    profile = Face(tuple(2 * side for side in face.box), 2 * face.landmarks, 0.97)

    found = AutoDetector(MTCNNOf(profile)).detect_large([picture])[0]
    assert len(found) == 2 and largest(found) is profile


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_large_turned_face_beside_a_sure_small_upright_one_is_the_largest(
    detector, portrait, turn
):
    close = portrait[20:240, 50:270]
    picture = beside(enlarged(close, 400), np.rot90(enlarged(close, 500), turn))
    found = largest(detector.detect_large([picture])[0])
    assert abs((found.roll + 90 * turn + 180) % 360 - 180) < 15


class MTCNNOf:
    """Finds these faces in every picture."""

    def __init__(self, *faces):
        self.faces = faces

    def detect(self, images):
        return [[*self.faces] for _ in images]


def detector_of(monkeypatch, turns_of, mesh_of, *of_mtcnn):
    """Return the detector with doubles of its networks.

    Args:
        monkeypatch: pytest's.
        turns_of: from the side of a square to what BlazeFace finds in it at each turn.
        mesh_of: from a candidate's `up` to the mesh there.
        *of_mtcnn: the faces that MTCNN finds.
    """

    class Blaze:
        def __init__(self, network):
            pass

        def candidates(self, picture, centre, side):
            yield from turns_of(side)

    class Meshes(Blaze):
        def fit(self, picture, centre, side, up):
            return mesh_of(up)

        def refit(self, picture, mesh):
            return mesh

    monkeypatch.setattr(auto, "BlazeFace", Blaze)
    monkeypatch.setattr(auto, "FaceMesh", Meshes)
    return AutoDetector(MTCNNOf(*of_mtcnn))


MIDDLE, SIDE = 150 + 150j, 150.0
SPREAD = MIDDLE + np.linspace(-SIDE / 2, SIDE / 2, 468) * (1 + 1j)
UPRIGHT = MIDDLE + MEAN_SHAPE @ [50, 50j]
ON_ITS_HEAD = MIDDLE - MEAN_SHAPE @ [50, 50j]


def test_two_candidates_that_end_on_one_face_are_one(monkeypatch, portrait):
    """As where BlazeFace sees a face on its head just above an upright one of the same person."""
    above = Candidate(MIDDLE - 0.52j * SIDE, SIDE, 1j, 0.6)
    mesh = Mesh(SPREAD, UPRIGHT, presence=1.0)
    turns = [[Candidate(MIDDLE, SIDE, -1j, 0.9), above]]
    found = detector_of(monkeypatch, lambda side: turns, lambda up: mesh)
    assert len(found.detect([portrait])[0]) == 1


@pytest.mark.parametrize("presence", [0.93, 0.9999])
@pytest.mark.parametrize("search", ["detect", "detect_large"])
def test_of_a_face_seen_both_ways_up_the_mesh_decides(monkeypatch, portrait, search, presence):
    """BlazeFace is surer of the wrong one of 1 face in 100; the mesh is not sure of it then."""
    turns = [[Candidate(MIDDLE, SIDE, -1j, 0.86)], [], [Candidate(MIDDLE, SIDE, 1j, 0.85)], []]
    meshes = {-1j: Mesh(SPREAD, UPRIGHT, presence), 1j: Mesh(SPREAD, ON_ITS_HEAD, 1.0)}
    detector = detector_of(monkeypatch, lambda side: turns, meshes.get)
    ((face,),) = getattr(detector, search)([portrait])
    assert face.score == 1 and abs(face.roll) == pytest.approx(180)


@pytest.mark.parametrize("search", ["detect", "detect_large"])
def test_a_face_that_is_larger_than_the_picture(detector, portrait, face, search):
    x, y, width, height = face.box
    left, top = round(x + 0.2 * width), round(y + 0.2 * height)
    picture = portrait[top : round(y + 0.8 * height), left : round(x + 0.8 * width)]
    ((found,),) = getattr(detector, search)([np.ascontiguousarray(picture)])
    away = np.linalg.norm(found.landmarks + [left, top] - face.landmarks, axis=1)
    assert away.max() < 0.1 * eye_distance(face)


@pytest.mark.parametrize("search", ["detect", "detect_large"])
def test_two_boxes_of_mtcnn_that_end_on_one_face_are_one(monkeypatch, portrait, search):
    """The mesh moves from the larger box, beside the face, onto the smaller one."""
    points = np.stack([UPRIGHT.real, UPRIGHT.imag], axis=1)
    large, small = Face((10, 75, 150, 150), points, 0.9), Face((95, 80, 140, 140), points, 0.9)
    mesh = Mesh(SPREAD - 30, UPRIGHT, 1.0)

    def turns_of(side):
        """Nothing in the picture as a whole, 390 pixels with its border."""
        return [[Candidate(MIDDLE, SIDE, -1j, 0.9)] if side < 380 else []]

    detector = detector_of(monkeypatch, turns_of, lambda up: mesh, large, small)
    ((face,),) = getattr(detector, search)([portrait])
    assert face.score == 1


def test_a_tall_picture_is_searched_as_a_wide_one(monkeypatch):
    squares = []

    class Blaze:
        def __init__(self, network):
            pass

        def candidates(self, picture, centre, side):
            squares.append((centre.real, centre.imag, side))
            yield []

    monkeypatch.setattr(auto, "BlazeFace", Blaze)
    detector = AutoDetector(MTCNNOf())
    detector.detect([np.zeros((1400, 420, 3), np.uint8)])
    tall = set(squares)
    assert {(210, y, 700) for y in (350, 700, 1050)} <= tall
    squares.clear()
    detector.detect([np.zeros((420, 1400, 3), np.uint8)])
    assert {(y, x, side) for x, y, side in squares} == tall


@pytest.mark.parametrize("search", ["detect", "detect_large"])
@pytest.mark.parametrize("share, count", [(0.5, 1), (0.34, 0)])
def test_what_only_the_search_for_close_ups_sees_must_be_large(monkeypatch, search, share, count):
    """As a coffee cup of a third of a picture's length, which the mesh takes for a face."""
    picture = np.zeros((960, 1280, 3), np.uint8)
    cup = Candidate(640 + 480j, share * 1280, -1j, 0.9)
    spread = 640 + 480j + np.linspace(-0.5, 0.5, 468) * share * 1280 * (1 + 1j)
    mesh = Mesh(spread, 640 + 480j + MEAN_SHAPE @ [150, 150j], 0.988)
    turns = {2560.0: [[cup], [], [], []]}  # twice the picture's length
    detector = detector_of(monkeypatch, lambda side: turns.get(side, [[]]), lambda up: mesh)
    (found,) = getattr(detector, search)([picture])
    assert len(found) == count


@pytest.mark.parametrize("search", ["detect", "detect_large"])
def test_a_face_seen_the_wrong_way_up_alone_is_seen_right_from_closer_by(
    monkeypatch, portrait, search
):
    right, wrong = Candidate(MIDDLE, SIDE, -1j, 0.9), Candidate(MIDDLE, SIDE, 1j, 0.6)
    meshes = {-1j: Mesh(SPREAD, UPRIGHT, 1.0), 1j: Mesh(SPREAD, ON_ITS_HEAD, 0.98)}

    def turns_of(side):
        """The picture as a whole is 390 pixels with its border."""
        return [[right] if side < 380 else [], [], [wrong], []]

    detector = detector_of(monkeypatch, turns_of, meshes.get)
    ((face,),) = getattr(detector, search)([portrait])
    assert face.score == 1 and face.roll == pytest.approx(0)


@pytest.mark.parametrize("search", ["detect", "detect_large"])
def test_several_threads_find_what_one_finds(detector, portrait, search):
    images = [np.ascontiguousarray(np.rot90(portrait, turn)) for turn in range(4)] * 2
    images += [enlarged(portrait, side) for side in (120, 200, 420)]

    def found(image):
        faces = getattr(detector, search)([image])[0]
        return [(*face.box, *face.landmarks.ravel(), face.score) for face in faces]

    expected = [found(image) for image in images]
    assert all(expected)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(found, images)) == expected
