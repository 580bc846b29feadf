"""Faces by number: any choice, any order; damage names the file."""

import numpy as np
import pandas as pd
import pytest

from keras_dldl.data.records.reading import ImageFiles, Records
from keras_dldl.data.records.tfrecord import write_shard
from keras_dldl.errors import DataError


@pytest.fixture
def faces():
    return [f"face {k} ".encode() * k for k in range(20)]


@pytest.fixture
def records(tmp_path, faces):
    """Twenty faces in three shards, their rows in an order of their own."""
    rows = []
    for name, first, last in (("c", 0, 7), ("a", 7, 8), ("b", 8, 20)):
        places = write_shard(faces[first:last], tmp_path / name)
        rows += [(name, *place) for place in places]
    return Records.of_table(tmp_path, pd.DataFrame(rows, columns=["shard", "offset", "bytes"]))


@pytest.mark.parametrize("numbers", [[], [3], [19, 0, 7, 8, 3], [5, 5, 12, 5], range(20)])
def test_any_choice_in_any_order(records, faces, numbers):
    assert records.read(numbers) == [faces[k] for k in numbers]
    assert records.read(np.array(numbers, np.int64)) == [faces[k] for k in numbers]


def test_parts_are_all_faces_in_order(records, faces, monkeypatch):
    monkeypatch.setattr("keras_dldl.data.records.reading.READ_AT_ONCE", 6)
    parts = list(records.parts())
    assert [len(part) for part in parts] == [6, 6, 6, 2]
    assert sum(parts, []) == faces


def test_no_faces(tmp_path):
    none = Records.of_table(tmp_path, pd.DataFrame({"shard": [], "offset": [], "bytes": []}))
    assert len(none) == 0 and list(none.parts()) == [] and none.read([]) == []


def test_damage_names_the_file_and_costs_no_other_face(records, faces, tmp_path):
    (tmp_path / "a").unlink()
    content = bytearray((tmp_path / "b").read_bytes())
    content[20] ^= 1  # in the first face
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(DataError, match=r"records verify`. Received: .*/a \(No such file"):
        records.read([3, 7])
    with pytest.raises(DataError, match=r"Received: .*/b \(a face does not fit its checksum\)"):
        records.read([9, 8])
    assert records.read([9, 3]) == [faces[9], faces[3]]


def test_image_files(tmp_path):
    (tmp_path / "x.png").write_bytes(b"x")
    (tmp_path / "y.png").write_bytes(b"y")
    images = ImageFiles([tmp_path / name for name in ("x.png", "y.png", "z.png")])
    assert len(images) == 3 and images.read([1, 0, 1]) == [b"y", b"x", b"y"]
    with pytest.raises(DataError, match=r"Received: .*z\.png \(No such file"):
        images.read([0, 2])
