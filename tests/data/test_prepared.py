import json

import numpy as np
import pandas as pd
import pytest

from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.feed import make_feed
from tests.prepared_folders import write_folder


def folder_of(path, **columns):
    rows = pd.DataFrame({"path": ["0.jpg", "1.jpg", "2.jpg"], "split": "train", **columns})
    return write_folder(path, rows, np.full((3, 32, 32, 3), 90, np.uint8))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    own = folder_of(
        root / "own", label=[10.0, 40.0, 70.0], sigma=[4.5, None, 0.0], database="APPA-REAL"
    )
    return own, folder_of(root / "utk", label=[0.0, 30.0, 60.0])


def test_a_data_set_is_named_by_its_rows_or_its_folder(folders, tmp_path):
    names = ["APPA-REAL"] * 3 + ["utk"] * 3
    assert PreparedData(*folders).origins("train").tolist() == names
    (tmp_path / "new").mkdir()
    other = folder_of(tmp_path / "new" / "utk", label=[1.0, 2.0, 3.0])
    same_names = PreparedData(folders[1], other).origins("train")
    assert same_names.tolist() == [f"{folders[1].parent.name}/utk"] * 3 + ["new/utk"] * 3


@pytest.mark.parametrize(
    ("fact", "config", "options"),
    [
        ("alignment", {"margin": 0.16, "detector": "own:Centre"}, "--margin and --detector"),
        ("grid", {"start": 1.0, "stop": 5.0, "step": 0.1, "task": "attractiveness"}, "--grid"),
    ],
)
def test_folders_prepared_in_two_ways_are_not_mixed(folders, tmp_path, fact, config, options):
    other = folder_of(tmp_path / "other", label=[1.0, 2.0, 3.0])
    place = other / "dataset.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {fact: config}))
    said = f"must have one {fact}: prepare them with the same {options}. Received: .*other with"
    with pytest.raises(DataError, match=said):
        PreparedData(folders[1], other)


def test_sigma_by_data_set_and_label(folders):
    data = PreparedData(*folders)
    changed = data.with_sigma(2.0, 0.05, {"utk": 3.0})
    # Rows that bring a sigma keep it, also 0; the others by hand: 2 + 0.05 * 40, 3 + 0.05 * label.
    by_hand = np.float32([4.5, 4.0, 0.0, 3.0, 4.5, 6.0])
    np.testing.assert_allclose(changed.targets("train")[:, 1], by_hand, rtol=1e-6)
    np.testing.assert_array_equal(data.targets("train")[:, 1] >= 0, [1, 0, 1, 0, 0, 0])


@pytest.mark.parametrize(
    ("by_data", "named"),
    [
        ({"utk": -1}, "sigma_by_data.utk.*-1"),
        ({"utk": "wide"}, "sigma_by_data.utk.*'wide'"),
    ],
)
def test_wrong_widths(folders, by_data, named):
    with pytest.raises(ConfigError, match=named):
        PreparedData(*folders).with_sigma(2.0, by_data=by_data)


def test_a_width_of_no_data_set_is_told(folders, caplog):
    PreparedData(*folders).with_sigma(2.0, by_data={"ukt": 2})
    assert (
        "'ukt', which is not among the data sets: APPA-REAL, utk. Did you mean utk" in caplog.text
    )


@pytest.mark.parametrize("feed", ["tf-data", "memory"])
def test_training_and_validation_see_the_widths(folders, feed):
    config = TrainConfig(
        feed=feed, input_size=32, batch_size=6, sigma_growth=0.1, sigma_by_data={"utk": 1},
        validation_split="train",
    )  # fmt: skip
    made = make_feed(config.with_augmentation(), PreparedData(*folders))
    by_hand = sorted([4.5, 2 + 4.0, 0.0, 1.0, 1 + 3.0, 1 + 6.0])
    for batches in (made.training(0), made.validation()):
        (batch,) = list(batches)
        np.testing.assert_allclose(np.sort(np.asarray(batch[1])[:, 1]), by_hand, rtol=1e-6)
