"""Faces as image files."""

import io

import numpy as np
import pytest
from PIL import Image

from keras_dldl.data.prepared import PreparedFolder
from keras_dldl.data.records.verify import extract
from keras_dldl.errors import DataError
from tests.data.records.sharded import write_shards


@pytest.fixture
def folder(tmp_path):
    return write_shards(tmp_path / "data", train=(3, 2), val=(2,))


@pytest.mark.parametrize(("split", "count"), [(None, 7), ("train", 5), ("val", 2)])
def test_every_face_is_a_file_under_its_path(folder, tmp_path, split, count):
    assert extract(folder, tmp_path / "out", split) == count
    opened = PreparedFolder.open(folder)
    rows = opened.rows() if split is None else opened.rows(split)
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert set(written) == {tmp_path / "out" / path for path in rows["path"]}
    for path, label in zip(rows["path"], rows["label"], strict=True):
        image = Image.open(io.BytesIO((tmp_path / "out" / path).read_bytes()))
        # As they were drawn: the brighter the older, see `write_shards`.
        assert abs(np.asarray(image).mean() - np.clip(40 + 1.5 * label, 0, 255)) < 5


def test_a_split_without_faces_is_refused(folder, tmp_path):
    with pytest.raises(DataError, match="There must be faces to write.*none of test"):
        extract(folder, tmp_path / "out", "test")
