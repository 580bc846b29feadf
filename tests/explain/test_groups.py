"""Averages by group: against the faces one by one, groups without faces, bad boundaries."""

import numpy as np
import pytest

from keras_dldl.errors import ConfigError, DataError
from keras_dldl.explain import AttentionMaps, attention_by_group, label_groups
from keras_dldl.explain.groups import group_averages
from keras_dldl.labels import LabelGrid
from keras_dldl.models import FaceModel
from tests.models.given import backbone, squares

LABELS = np.array([3.0, 9.5, 10.0, 41.0, 100.0])


@pytest.fixture(scope="module")
def model():
    with backbone(squares) as name:
        return FaceModel(name, LabelGrid.age(), input_size=32, pooling="average")


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype("float32")


def test_averages_are_those_of_the_faces_one_by_one(model, images):
    batches = [(images[:2], LABELS[:2]), (images[2:], LABELS[2:])]
    found = attention_by_group(model, batches)
    assert [group.name for group in found.groups] == ["0-9", "10-19", "40-49", "100-109"]
    assert found.counts.tolist() == [2, 1, 1, 1]
    assert found.labels.tolist() == [6.25, 10, 41, 100]
    assert len(found.empty) == 7
    one_way = [AttentionMaps(model).attention(one[None])[0] for one in images]
    other = [AttentionMaps(model).attention(one[None, :, ::-1])[0][:, ::-1] for one in images]
    maps = [(a + b) / 2 for a, b in zip(one_way, other, strict=True)]
    assert found.places == maps[0].shape == (4, 4)
    for i, members in enumerate([[0, 1], [2], [3], [4]]):
        np.testing.assert_allclose(found.faces[i], images[members].mean(axis=0), rtol=1e-5)
        expected = np.mean([maps[k] for k in members], axis=0)
        np.testing.assert_allclose(found.attention[i], expected, atol=1e-5)


def test_without_maps_the_faces_are_averaged_alone(model, images):
    found = group_averages([(images, LABELS)], label_groups(model.grid, [18]), None)
    assert found.attention is None and found.counts.tolist() == [3, 2]


@pytest.mark.parametrize(
    ("grid", "boundaries", "names"),
    [
        (LabelGrid(0, 25), None, ["0-9", "10-19", "20-29"]),
        (LabelGrid(1, 3, 0.1), None, ["1 ... 2", "2 ... 3", "3 ... 4"]),
        (LabelGrid(1, 3, 0.1), [2.5], ["1 ... 2.5", "2.5 ... 3"]),
        (LabelGrid(0, 100), [18, 65], ["0-17", "18-64", "65-100"]),
    ],
)
def test_groups_hold_every_label_of_the_grid(grid, boundaries, names):
    groups = label_groups(grid, boundaries)
    assert [group.name for group in groups] == names
    assert groups[0].low <= grid.start and groups[-1].high > grid.stop
    assert all(a.high == b.low for a, b in zip(groups, groups[1:], strict=False))


@pytest.mark.parametrize("boundaries", [[], [60, 18], [18, 18], [0], [100], [np.nan], ["a"]])
def test_bad_boundaries(boundaries):
    with pytest.raises(ConfigError, match="Received"):
        label_groups(LabelGrid.age(), boundaries)


def test_bad_faces(model, images):
    with pytest.raises(DataError, match="Received: none"):
        attention_by_group(model, [])
    with pytest.raises(DataError, match="Received: 120"):
        attention_by_group(model, [(images[:1], [120.0])])
