"""Faces in memory against the store of `tf.data`."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keras_dldl.data.arrays import decode_image, open_arrays
from keras_dldl.data.prepared import PreparedData
from keras_dldl.data.store import decode, open_store
from keras_dldl.errors import ConfigError, DataError
from tests.prepared_folders import write_folder
from tests.training.small_data import write_small_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_data(tmp_path_factory.mktemp("data"), train=30, val=7)


@pytest.mark.parametrize("size", [32, 48])
def test_it_holds_what_the_store_holds(folder, size):
    data = PreparedData(folder)
    for split in ("train", "val"):
        found, expected = open_arrays(data, split, size), open_store(data, split, size)
        assert found.images.dtype == np.uint8
        difference = np.abs(found.images.astype(int) - expected.images.numpy())
        assert difference.max() <= (size != 32) and difference.mean() < 1e-3
        np.testing.assert_array_equal(found.targets, expected.targets)
        assert found.paths.tolist() == data.rows(split)["path"].tolist()
    assert open_arrays(data, "train", size) is open_arrays(data, "train", size)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [40, 64, 100])
def test_pictures_are_decoded_as_tensorflow_does_it(kind, mode, size):
    buffer = io.BytesIO()
    face = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(face).convert(mode).save(buffer, kind)
    expected = decode(buffer.getvalue(), size).numpy().astype(int)
    difference = np.abs(decode_image(buffer.getvalue(), size) - expected)
    assert difference.max() <= (size != 64) and difference.mean() < 1e-3


def test_what_does_not_fit_is_refused_before_it_is_read(folder, monkeypatch):
    monkeypatch.setenv("KERAS_DLDL_CACHE_BYTES", str(30 * 32 * 32 * 3 - 1))
    with pytest.raises(ConfigError, match="KERAS_DLDL_CACHE_BYTES.*30 faces, 92,160 bytes"):
        open_arrays(PreparedData(folder), "train", 32)


def test_what_is_no_picture_is_refused(tmp_path):
    rows = pd.DataFrame({"path": ["a.jpg"], "label": [3.0], "split": ["train"]})
    folder = write_folder(tmp_path, rows, [b"none"])
    with pytest.raises(DataError, match="whole image.*a.jpg"):
        open_arrays(PreparedData(folder), "train", 32)
