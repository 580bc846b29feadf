"""Synthetic faces: deterministic, correctly labelled, learnable, and found by a real detector."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from keras_dldl.data.synthetic import draw_crowd, draw_face, draw_faces
from keras_dldl.data.synthetic.traits import sample_traits


def digest(image: np.ndarray) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def ridge(features: np.ndarray, targets: np.ndarray, penalty: float):
    """Ridge regression in its dual form, for fewer rows than columns; returns a predictor."""
    centre, mean = features.mean(axis=0), targets.mean()
    rows = features - centre
    dual = np.linalg.solve(rows @ rows.T + penalty * np.eye(len(rows)), targets - mean)
    weights = rows.T @ dual
    return lambda new: (new - centre) @ weights + mean


def small_grey(image: np.ndarray, size: int = 32) -> np.ndarray:
    """The picture as (size * size,) grey values of mean 0 and standard deviation 1."""
    grey = Image.fromarray(image).convert("L").resize((size, size), Image.Resampling.BOX)
    values = np.asarray(grey, np.float64).ravel()
    return (values - values.mean()) / values.std()


@pytest.mark.parametrize("age", [0, 1, 17.5, 50, 100, np.float32(64.25)])
@pytest.mark.parametrize("size", [32, 160, np.int64(201)])
def test_a_face_is_as_promised_its_landmarks_ordered_inside_the_picture(age, size):
    for seed in range(8):
        face = draw_face(age, rng(seed), size)
        assert face.image.shape == (size, size, 3) and face.image.dtype == np.uint8
        assert face.landmarks.shape == (5, 2) and face.landmarks.dtype == np.float32
        assert face.age == age and type(face.age) is float and face.gender in ("female", "male")
        left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
        assert (face.landmarks > 0.1 * size).all() and (face.landmarks < 0.9 * size).all()
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_pupils_are_drawn_where_the_eye_landmarks_are():
    """A landmark of an eye lies on the dark pupil, with the white of the eye beside it."""
    for seed in range(20):
        face = draw_face(10, rng(seed), size=320)
        grey = face.image.mean(axis=2)
        for x, y in np.rint(face.landmarks[:2]).astype(int):
            pupil = np.median(grey[y - 2 : y + 3, x - 2 : x + 3])
            assert pupil < 45
            assert pupil < 0.4 * grey[y + 3, x - 18 : x + 19].max()


def test_a_face_depends_on_seed_and_number_alone():
    faces = list(draw_faces(6, seed=4, size=64))
    digests = [digest(face.image) for face in faces]
    assert len(set(digests)) == 6
    assert digests != [digest(face.image) for face in draw_faces(6, seed=5, size=64)]
    for index in (5, 0, 3, 1, 4, 2):
        (alone,) = draw_faces(1, seed=4, size=64, start=index)
        assert digest(alone.image) == digests[index] and alone.age == faces[index].age
        assert np.array_equal(alone.landmarks, faces[index].landmarks)


def test_bytes_do_not_depend_on_the_process():
    """Guards against anything that hangs on hash order or on global random state."""
    program = (
        "import hashlib, numpy as np; from keras_dldl.data.synthetic import draw_faces\n"
        "np.random.seed(1)\n"
        "print([hashlib.sha256(f.image.tobytes()).hexdigest() for f in draw_faces(2, seed=9)])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    np.random.seed(2)
    state = np.random.get_state()[1].copy()
    assert result.stdout.strip() == str([digest(face.image) for face in draw_faces(2, seed=9)])
    assert np.array_equal(np.random.get_state()[1], state)


@pytest.fixture(scope="module")
def faces():
    return list(draw_faces(300, seed=0, size=96))


def test_ages_are_spread_over_1_to_90_and_both_genders_are_drawn(faces):
    ages = np.array([face.age for face in faces])
    assert ages.min() >= 1.0 and ages.max() <= 90.0
    counts, _ = np.histogram(ages, bins=[1, 19, 37, 55, 73, 90])
    assert counts.min() > 300 / 5 * 0.6
    assert 0.4 < np.mean([face.gender == "female" for face in faces]) < 0.6


def test_what_age_decides_moves_with_age_and_what_it_does_not_stays():
    def of(age):
        return [sample_traits(age, rng(seed)) for seed in range(200)]

    child, grown, old = of(4), of(25), of(80)
    for trait in ("wrinkles", "grey", "receding", "sagging", "spots"):
        means = [np.mean([getattr(one, trait) for one in group]) for group in (child, grown, old)]
        assert means[0] == 0.0 and means[0] <= means[1] < 0.3 * means[2], trait
    forehead = [np.mean([-one.proportions["top_y"] for one in group]) for group in (child, grown)]
    eyes = [np.mean([one.proportions["eye_height"] for one in group]) for group in (child, grown)]
    assert forehead[0] > 1.15 * forehead[1] and eyes[0] > 1.25 * eyes[1]
    for first, second in zip(child, old, strict=True):
        assert first.skin == second.skin and first.background == second.background
        assert first.glasses == second.glasses and first.gender == second.gender


def test_age_can_be_learnt_from_small_grey_pictures(faces):
    features = np.stack([small_grey(face.image) for face in faces])
    ages = np.array([face.age for face in faces])
    predict = ridge(features[:225], ages[:225], penalty=30.0)
    mae = np.abs(predict(features[225:]) - ages[225:]).mean()
    chance = np.abs(np.median(ages[:225]) - ages[225:]).mean()
    assert mae < 0.6 * chance


def test_crowd_puts_the_faces_side_by_side():
    picture, landmarks = draw_crowd([5, 35, 80], seed=2, face_size=96)
    assert picture.shape == (96, 288, 3) and picture.dtype == np.uint8
    assert len(landmarks) == 3
    for place, marks in enumerate(landmarks):
        assert marks.shape == (5, 2) and marks.dtype == np.float32
        assert (marks[:, 0] > 96 * place).all() and (marks[:, 0] < 96 * (place + 1)).all()
    # One wall behind them all: the top row has no seam.
    assert np.abs(np.diff(picture[0].astype(int), axis=0)).max() < 12
    assert digest(picture) == digest(draw_crowd((5, 35, 80), seed=2, face_size=96)[0])


@pytest.mark.parametrize("age", [-0.1, 100.5, float("nan"), float("inf")])
def test_age_out_of_range_is_refused_in_three_parts(age):
    with pytest.raises(ValueError, match=r"`age` .* must be 0\.\.\.100 years\. Received: age="):
        draw_face(age, rng())
    with pytest.raises(ValueError, match="Received: age="):
        draw_crowd([30, age])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: draw_face(3, rng(), size=31), r"`size` .* 32 or more\. Received: size=31"),
        (lambda: draw_face(3, rng(), size=64.5), r"`size` .* Received: size=64\.5"),
        (lambda: draw_faces(2, size=0), r"`size` .* Received: size=0"),
        (lambda: draw_faces(-1), r"`count` .* 0 or more\. Received: count=-1"),
        (lambda: draw_faces(1, seed=-3), r"`seed` .* Received: seed=-3"),
        (lambda: draw_faces(1, start=-1), r"`start` .* Received: start=-1"),
        (lambda: draw_crowd([]), r"`ages` is empty.* Received: ages=\[\]"),
        (lambda: draw_crowd([1], face_size=4), r"`face_size` .* Received: face_size=4"),
    ],
)
def test_bad_arguments_are_refused_at_once(call, message):
    with pytest.raises(ValueError, match=message):
        call()
    assert list(draw_faces(0)) == []  # no error


@pytest.mark.slow
def test_a_face_detector_finds_the_faces_and_their_landmarks():
    mtcnn = pytest.importorskip("mtcnn")
    faces = list(draw_faces(32, seed=11))
    found = mtcnn.MTCNN().detect_faces([face.image for face in faces])
    errors = []
    for face, answers in zip(faces, found, strict=True):
        if len(answers) == 1:
            names = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
            points = np.array([answers[0]["keypoints"][name] for name in names])
            distance = np.linalg.norm(face.landmarks[1] - face.landmarks[0])
            errors.append(np.linalg.norm(points - face.landmarks, axis=1) / distance)
    assert len(errors) >= 0.95 * len(faces)
    assert np.median(errors) < 0.08
