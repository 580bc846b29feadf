"""How much training images should count: planted copies, contradictions and wrong labels."""

import numpy as np
import pandas as pd
import pytest

from keras_dldl.check import CheckOptions, check
from keras_dldl.data.sampling import read_image_weights
from keras_dldl.errors import ConfigError, DataError
from tests.data.leaks.pictures import copy_of, picture, write_prepared

LABELS = {"a": 20, "b": 30, "c": 40, "d": 50, "e": 60}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Training faces a ... e; b again, c again with another label, d also in validation."""
    place = tmp_path_factory.mktemp("weights")
    rows = [{"path": f"{k}.jpg", "label": v, "split": "train"} for k, v in LABELS.items()]
    rows += [
        {"path": "b2.jpg", "label": 31, "split": "train"},
        {"path": "c2.jpg", "label": 44, "split": "train"},
        {"path": "d2.jpg", "label": 50, "split": "val"},
    ]
    images = [picture(k) for k in range(5)]
    images += [copy_of(picture(1), "resized"), picture(2), copy_of(picture(3), "mirrored")]
    write_prepared(place / "faces", rows, images)
    return place


def proposed(result):
    return {row.path: (row.weight, row.reason) for row in result.weights.itertuples()}


COPIES = {
    "b.jpg": (0.5, "one of several copies"),
    "b2.jpg": (0.5, "one of several copies"),
    "c.jpg": (0.0, "copies with labels 40 to 44"),
    "c2.jpg": (0.0, "copies with labels 40 to 44"),
    "d.jpg": (0.0, "also in val"),
}


def test_copies(place):
    result = check(place / "faces")
    assert proposed(result) == COPIES
    assert set(result.weights["folder"]) == {"faces"}
    counts = result.content["counts"]
    assert (counts["images_of_weight_0"], counts["images_of_less_weight"]) == (3, 2)


def predictions(path, **values):
    """Write predictions of the labels as they are, but for `values`."""
    rows = [(f"{k}.jpg", float(v), values.get(k, v + 1.0)) for k, v in LABELS.items()]
    pd.DataFrame(rows, columns=["path", "label", "value"]).to_csv(path, index=False)
    return str(path)


def test_labels_that_all_models_contradict(place, tmp_path):
    one = predictions(tmp_path / "1.csv", a=51.0, e=20.0)  # wrong by 31 and 40
    two = predictions(tmp_path / "2.csv", a=55.5, e=59.0)
    alone = check(place / "faces", options=CheckOptions(predictions=(one,), max_error=30))
    errors = {
        "a.jpg": (0.0, "a model says otherwise, by 31"),
        "e.jpg": (0.0, "a model says otherwise, by 40"),
    }
    assert proposed(alone) == COPIES | errors
    assert [(one["path"], one["error"]) for one in alone.content["contradicted"]] == [
        ("e.jpg", 40.0),
        ("a.jpg", 31.0),
    ]
    page = alone.save(tmp_path / "out")[1].read_text()
    assert "Labels that a model contradicts: 2" in page and "the model differs by 31" in page
    both = check(place / "faces", options=CheckOptions(predictions=(one, two), max_error=30))
    del errors["e.jpg"]
    assert proposed(both) == COPIES | errors
    exact = check(place / "faces", options=CheckOptions(predictions=(one,), max_error=40))
    assert proposed(exact) == COPIES


def test_what_was_written_is_read_for_training(place, tmp_path):
    result = check(place / "faces")
    (*_, path) = result.save(tmp_path)
    weights = read_image_weights(path, result.data)
    rows = result.data.rows("train")
    expected = [COPIES.get(name, (1.0,))[0] for name in rows["path"]]
    np.testing.assert_array_equal(weights, expected)


@pytest.mark.parametrize("given", [{"max_error": 3.0}, {"predictions": ("p.csv",)}])
def test_predictions_and_their_limit_go_together(given):
    with pytest.raises(ConfigError, match="go together"):
        CheckOptions(**given)


def test_predictions_of_other_faces_are_refused(place, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("path,label,value\nz.jpg,20,80\n")
    options = CheckOptions(predictions=(str(other),), max_error=10)
    with pytest.raises(DataError, match=r"other.csv, which names none of 8 faces"):
        check(place / "faces", options=options)
