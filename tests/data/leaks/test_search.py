"""The search: every kind of copy among many pictures, nothing else, and no all-pairs work."""

import numpy as np
import pytest

from keras_dldl.data.leaks import candidates as module
from keras_dldl.data.leaks.candidates import Groups, candidate_pairs
from keras_dldl.data.leaks.fingerprints import Fingerprints, fingerprint_all
from keras_dldl.data.leaks.likeness import Likeness
from keras_dldl.data.leaks.search import SIMILARITY, CopyPairs, find_pairs, groups_of, leaking
from keras_dldl.data.records import encode_jpeg
from keras_dldl.data.synthetic import draw_face
from tests.data.leaks.pictures import COPIES, copy_of, picture

COUNT, EACH = 500, 15


def prints_of(images):
    faces = [
        (k, image if isinstance(image, bytes) else encode_jpeg(image))
        for k, image in enumerate(images)
    ]
    return fingerprint_all(faces, len(faces))[1]


def candidates(thumbs):
    for batch in candidate_pairs(thumbs, Groups(len(thumbs))):
        yield from zip(*(column.tolist() for column in batch), strict=True)


@pytest.fixture(scope="module")
def planted():
    """Pictures in training; of some each, a copy of a kind in the test part."""
    originals = [picture(k) for k in range(COUNT)]
    images, truth = list(originals), []
    for n, kind in enumerate(COPIES):
        for k in range(n * EACH, (n + 1) * EACH):
            truth.append((k, len(images), kind))
            images.append(copy_of(originals[k], kind))
    parts = np.array(["train"] * COUNT + ["test"] * (len(images) - COUNT), object)
    return prints_of(images), parts, truth


def test_every_kind_of_copy_is_found_and_nothing_else(planted):
    found = find_pairs(*planted[:2])
    pairs = {(a, b): kind for a, b, kind in zip(found.first, found.second, found.kind, strict=True)}
    for name in COPIES:
        wanted = [(a, b) for a, b, kind in planted[2] if kind == name]
        kinds = {pairs.get(pair) for pair in wanted}
        assert kinds == {"mirrored" if name in ("mirrored", "all of it") else "near"}, name
    assert len(pairs) == len(planted[2])  # no false pair
    assert found.least == SIMILARITY  # what counts for photos
    assert found.similarity.min() >= SIMILARITY and found.similarity.max() <= 1
    again = find_pairs(*planted[:2])
    for column in ("first", "second", "kind", "similarity"):
        np.testing.assert_array_equal(getattr(again, column), getattr(found, column))


def test_the_index_finds_what_comparing_all_with_all_finds(planted):
    thumbs = planted[0].thumbs[-300:]
    thumbs = np.concatenate([thumbs, thumbs[:40, :, ::-1]])
    features = module._features(thumbs)
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    turned = np.where(module.ODD, -units, units)
    slow = set()
    for mirrored, queries in ((False, units), (True, turned)):
        for i in range(len(thumbs)):
            for j in np.flatnonzero(queries[i] @ units[i + 1 :].T >= 0.9) + i + 1:
                slow.add((i, int(j), mirrored))
    given = list(candidates(thumbs))
    fast = set(given)
    assert len(slow) >= 40 and len(slow - fast) <= 0.02 * len(slow)
    assert len(fast) == len(given) and all(first < second for first, second, _ in given)


def test_few_pairs_are_compared(planted):
    given = list(candidates(planted[0].thumbs))
    assert len(planted[2]) * 0.9 < len(given) < 3 * len(planted[2])  # of 182,710


def test_the_features_of_a_mirrored_picture_are_those_with_odd_signs_turned(planted):
    thumbs = planted[0].thumbs[:50]
    both = module._features(np.concatenate([thumbs, thumbs[:, :, ::-1]]))
    np.testing.assert_allclose(both[50:], np.where(module.ODD, -both[:50], both[:50]), atol=1e-3)


def test_likeness_of_itself_a_negative_and_a_stranger(planted):
    thumbs = planted[0].thumbs[:200]
    likeness = Likeness(thumbs)
    np.testing.assert_allclose(likeness(thumbs[:5], thumbs[:5]), 1, atol=1e-3)
    assert likeness(thumbs[:5], 255 - thumbs[:5]).max() == 0
    assert likeness(thumbs[:5], thumbs[5:10]).max() < 0.5
    assert likeness(thumbs[:0], thumbs[:0]).shape == (0,)


def test_identical_images_make_one_pair_less_than_there_are():
    a, b, c = (encode_jpeg(picture(k)) for k in range(3))
    images = [a, b, a, c, a, encode_jpeg(copy_of(picture(0), "resized"))]
    parts = np.array(["train", "train", "val", "train", "test", "train"], object)
    pairs = find_pairs(prints_of(images), parts)
    found = sorted(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.kind, strict=True))
    # The one in the test part stands for the others, also for the near copy.
    assert found == [(0, 4, "identical"), (2, 4, "identical"), (4, 5, "near")]
    groups = groups_of(pairs, len(images))
    assert groups.tolist() == [0, 1, 0, 3, 0, 0]
    assert leaking(parts, groups) == {0: 4, 2: 4, 5: 4}


def test_pictures_of_nothing_are_copies_only_if_identical():
    shades = [np.full((64, 64, 3), shade, np.uint8) for shade in (0, 1, 90, 90, 255)]
    pairs = find_pairs(prints_of(shades), np.array(["train"] * 5, object))
    assert list(zip(pairs.first, pairs.second, pairs.kind, strict=True)) == [(2, 3, "identical")]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_faces(count):
    images = [picture(0), copy_of(picture(0), "lightened")][:count]
    pairs = find_pairs(prints_of(images), np.array(["train", "val"][:count], object))
    assert len(pairs) == max(count - 1, 0)
    assert groups_of(pairs, count).tolist() == [0] * count


def test_a_crowd_of_near_copies_forms_one_group_without_all_pairs():
    random = np.random.default_rng(0)
    base = prints_of([picture(0)]).thumbs[0].astype(int)
    crowd = np.clip(base + random.integers(-2, 3, (300, 32, 32)), 0, 255).astype(np.uint8)
    others = prints_of([picture(k) for k in range(1, 200)]).thumbs
    thumbs = np.concatenate([crowd, others])
    digests = [bytes([k // 256, k % 256]) for k in range(len(thumbs))]
    prints = Fingerprints(thumbs, digests, np.zeros((len(thumbs), 2)))
    pairs = find_pairs(prints, np.full(len(thumbs), "train", object))
    assert len(pairs) < 300 * 300 / 4
    assert set(groups_of(pairs, len(thumbs))[:300].tolist()) == {0}
    assert pairs.second.max() < 300


def test_groups_agree_with_a_slow_closure():
    random = np.random.default_rng(3)
    first, second = random.integers(0, 60, (2, 40))
    pairs = CopyPairs(first, second, np.full(40, "near", object), np.ones(40))
    reached = np.eye(60, dtype=bool)
    for _ in range(60):
        for a, b in zip(first, second, strict=True):
            reached[a] = reached[b] = reached[a] | reached[b]
    joined = (reached[:, :, None] & reached[:, None, :]).any(0)
    for _ in range(6):
        joined = (joined.astype(int) @ joined) > 0
    assert groups_of(pairs, 60).tolist() == joined.argmax(1).tolist()


@pytest.fixture(scope="module")
def drawn():
    """Two hundred drawn faces, which share their drawing, and darker copies of five."""
    ages = np.random.default_rng(0).uniform(1, 85, 200)
    faces = [
        draw_face(age, np.random.default_rng([1, k]), size=64).image for k, age in enumerate(ages)
    ]
    copies = [face[:, ::-1] if k % 2 else face for k, face in enumerate(faces[:5])]
    copies = [np.clip(copy * 0.9, 0, 255).astype(np.uint8) for copy in copies]  # darker, too
    return prints_of([*faces, *copies])


def test_different_drawn_faces_are_no_copies_and_true_ones_are_found(drawn):
    parts = np.array(["train"] * 200 + ["test"] * 5, object)
    found = find_pairs(drawn, parts)
    pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert pairs == {(k, 200 + k) for k in range(5)}
    assert len(find_pairs(drawn, parts, SIMILARITY)) > 10  # what photos are held to
