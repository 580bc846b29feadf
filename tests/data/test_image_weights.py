"""The table of images and weights: whom it means, and what is refused."""

import numpy as np
import pytest

from keras_dldl.data.image_weights import read_image_weights
from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import DataError
from tests.training.small_data import write_small_data


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("data")
    for name in ("one", "two"):
        write_small_data(place / name, train=4, val=2)
    return place


def read(place, tmp_path, text, folders=("one",)):
    (tmp_path / "w.csv").write_text(text)
    data = PreparedData(*(place / name for name in folders))
    return read_image_weights(tmp_path / "w.csv", data)


def test_others_weigh_one(place, tmp_path):
    text = "path,weight,reason\ntrain/002.jpg,0,wrong\ntrain/000.jpg,2.5,\nval/000.jpg,0,\n"
    np.testing.assert_array_equal(read(place, tmp_path, text), [2.5, 1, 0, 1])


def test_of_two_folders(place, tmp_path):
    both = ("one", "two")
    text = "path,weight\ntrain/001.jpg,0\n"
    np.testing.assert_array_equal(read(place, tmp_path, text, both), [1, 0, 1, 1, 1, 0, 1, 1])
    text = "folder,path,weight\ntwo,train/001.jpg,0\none,train/003.jpg,3\n"
    np.testing.assert_array_equal(read(place, tmp_path, text, both), [1, 1, 1, 3, 1, 0, 1, 1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,label\na,1\n", "weight"),
        ("path,weight\ntrain/000.jpg,1\ntrain/001.jpg,-1\n", r"'-1' in line 3"),
        ("path,weight\ntrain/000.jpg,much\n", r"'much' in line 2"),
        ("path,weight\ntrain/000.jpg,inf\n", r"'inf' in line 2"),
        ("path,weight\ntrain/000.jpg,\n", "line 2"),
        ("path,weight\ntrain/000.jpg,1\ntrain/000.jpg,2\n", r"twice: .*'train/000.jpg' in line 3"),
        ("path,weight\nelse.jpg,1\n", "'else.jpg'"),
        ("path,weight\n" + "".join(f"train/00{k}.jpg,0\n" for k in range(4)), "leaves out all 4"),
    ],
)
def test_bad_tables(place, tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        read(place, tmp_path, text)
