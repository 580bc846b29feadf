import numpy as np
import pytest

from keras_dldl import LabelGrid, build_model
from keras_dldl.data.prepared import PreparedData
from keras_dldl.errors import DataError
from keras_dldl.methods.distribution import DLDL
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.learner import check_method, make_method, make_trained
from tests.training.small_data import write_small_data


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("dldl-v2", {"sigma": 3.0, "expectation_weight": 0.1, "kl_reduction": "mean"}),
        ("dldl", {"sigma": 3.0, "kl_reduction": "mean"}),
        ("er", {"norm": "l2"}),
        ("dex", {}),
        ("or-cnn", {}),
    ],
)
def test_a_method_gets_the_settings_it_knows(method, options):
    config = TrainConfig(
        method=method, sigma=3, expectation_weight=0.1, kl_reduction="mean", expectation_norm="l2"
    )
    name = {"or-cnn": "ranking-bce"}.get(method, method)
    assert make_method(config).get_config() == {"name": name, "options": options}


def test_method_options_go_over_the_named_settings():
    config = TrainConfig(method="dldl-v2", sigma=3, method_options={"sigma": "1e-1"})
    assert make_method(config).options["sigma"] == 0.1
    config = TrainConfig(method="sord", method_options={"distance": "squared", "scale": 2})
    assert make_method(config).options == {"distance": "squared", "scale": 2}


def test_trained_model_shares_its_weights():
    face_model = build_model("tiny-age-net", LabelGrid.age(), input_size=32)
    trained = make_trained(TrainConfig(), face_model)
    trained.trainable_variables[0].assign(np.zeros(trained.trainable_variables[0].shape))
    assert not np.any(np.asarray(face_model.trainable_variables[0]))
    assert trained.optimizer.built


class NeedsSigma(DLDL):
    needs_sigma = True


class Rows:
    """Prepared data whose rows are given."""

    grid = LabelGrid.age()

    def __init__(self, rows):
        self.rows = lambda split: rows


def test_a_method_that_needs_sigma_is_refused_where_a_row_has_none(tmp_path):
    folder = write_small_data(tmp_path / "data")
    with pytest.raises(DataError, match=r"needs a sigma.*20 of 20.*'train'.*train/000.jpg"):
        check_method(NeedsSigma(), PreparedData(folder), ["train"])
    rows = PreparedData(folder).rows("train")
    check_method(NeedsSigma(), Rows(rows.assign(sigma=0.0)), ["train", "val"])
    for missing in (np.nan, -1.0):
        sigma = np.where(np.arange(len(rows)) == 5, missing, 2.0)
        with pytest.raises(DataError, match="Received: 1 of 20 .*train/005.jpg"):
            check_method(NeedsSigma(), Rows(rows.assign(sigma=sigma)), ["train"])
