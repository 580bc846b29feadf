"""The contact sheet: which faces, where, and what is written below them."""

import numpy as np
import pytest
from PIL import Image

from keras_dldl.data.augment import Augmentation
from keras_dldl.data.pipeline import training_dataset
from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import ConfigError
from keras_dldl.training import TrainConfig
from keras_dldl.training.preview import CAPTION, GAP, SHOWN_SIDE, contact_sheet, write_preview
from tests.training.small_data import MINI, write_small_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_data(tmp_path_factory.mktemp("data"))


def test_the_sheet_shows_the_faces_of_the_first_epoch(folder, tmp_path):
    strengths = {"mixup": 0.4, "erase": 0.5}
    config = TrainConfig(data=[str(folder)], augment=strengths, seed=3, **MINI)
    assert write_preview(config, tmp_path / "sheet.png", count=6) == 6
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"), float)
    pair = 2 * SHOWN_SIDE + GAP
    assert sheet.shape == (GAP + 2 * (SHOWN_SIDE + CAPTION + GAP), GAP + 4 * pair, 3)
    for augment, left in ((Augmentation.none(), 0), (Augmentation(**strengths), SHOWN_SIDE)):
        dataset = training_dataset(
            PreparedData(folder), input_size=32, batch_size=8, seed=3, epoch=0, augment=augment
        )
        images = next(dataset.as_numpy_iterator())[0]
        for k in range(6):
            y, x = GAP + k // 4 * (SHOWN_SIDE + CAPTION + GAP), GAP + k % 4 * pair + left
            shown = sheet[y : y + SHOWN_SIDE, x : x + SHOWN_SIDE]
            assert np.abs(shown.mean(axis=(0, 1)) - images[k].mean(axis=(0, 1))).max() < 2
    assert sheet[GAP + SHOWN_SIDE : GAP + SHOWN_SIDE + CAPTION, GAP : GAP + 60].min() < 100


def test_fewer_faces_than_places():
    faces = np.full((2, 32, 32, 3), 99, np.uint8)
    assert contact_sheet(faces, faces, ["1", "2"]).width == GAP + 2 * (2 * SHOWN_SIDE + GAP)


def test_a_name_that_is_no_image(folder, tmp_path):
    config = TrainConfig(data=[str(folder)], **MINI)
    with pytest.raises(ConfigError, match="named as one of .png, .jpg, .jpeg. Received: .*x.txt"):
        write_preview(config, tmp_path / "x.txt")


def test_no_data(tmp_path):
    with pytest.raises(ConfigError, match="needs data"):
        write_preview(TrainConfig(), tmp_path / "x.png")
