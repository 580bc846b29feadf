"""What is changed of the detector's package: empty stages, and the order of equal scores."""

import numpy as np

from keras_dldl.faces.detectors.mtcnn_package import (
    UnlessEmpty,
    load_networks,
    sorted_within_images,
)


def test_stages_are_passed_by_without_candidates():
    stage = UnlessEmpty(lambda bboxes_batch, scale: bboxes_batch * scale)
    assert stage(np.empty((0, 6)), scale=2).shape == (0, 6)
    assert stage(bboxes_batch=np.ones((1, 6)), scale=2).tolist() == [[2.0] * 6]


def test_an_image_is_sorted_as_if_it_were_alone():
    from mtcnn.utils.bboxes import sort_by_scores

    rng = np.random.default_rng(0)
    alone = [rng.random((n, 6)) for n in (90, 41, 300)]
    for image, rows in enumerate(alone):
        rows[:, 0] = image
        rows[:, 5] = rng.integers(0, 3, len(rows))  # many equal scores
    batch = np.concatenate(alone)
    sort = sorted_within_images(sort_by_scores)
    ordered = sort(batch, scores=batch[:, 5], ascending=False)
    for image, rows in enumerate(alone):
        wanted = sort_by_scores(rows, scores=rows[:, 5], ascending=False)
        np.testing.assert_array_equal(ordered[ordered[:, 0] == image], wanted)
    assert sort(np.empty((0, 6)), scores=np.empty(0)).shape == (0, 6)


def test_the_package_is_changed_once():
    from mtcnn.utils import bboxes

    load_networks()
    first = bboxes.sort_by_scores
    load_networks()
    assert bboxes.sort_by_scores is first
