"""Methods through the trainer, on faces that are the brighter the older."""

import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.evaluation import evaluate
from keras_dldl.methods import get_method
from keras_dldl.models import load_model
from keras_dldl.training import TrainConfig, run, train
from tests.training.small_data import write_small_data

PLAIN = {"flip": 0, "grey": 0, "rotation": 0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small_data(tmp_path_factory.mktemp("data"), train=48, val=12)


def config_of(folder, **changes):
    settings = {"input_size": 32, "batch_size": 8, "epochs": 4, "learning_rate": 1e-2}
    settings |= {"model": "mini", "augment": PLAIN}
    return TrainConfig(data=[str(folder)], **settings | changes)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dldl-v2", "coral", "mr-l1"])  # of each head and decoder
def test_methods_learn_and_their_mae_is_that_of_evaluation(
    mini_backbone, name, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(run, "draw_curves", lambda *_: None)  # a third of the time
    result = train(config_of(folder, method=name), tmp_path / "run")
    assert result.rows[-1]["loss"] < result.rows[0]["loss"]
    model = load_model(result.model)
    assert model.method == get_method(name)
    measured = evaluate(model, str(folder)).metrics["views"]["image"]["mae"]
    assert measured == pytest.approx(result.best_val_mae, abs=1e-3)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"method": "mr-l3"}, "Did you mean mr-l[12]"),
        ({"method": "sord", "method_options": {"distanse": 1}}, "Did you mean distance"),
        ({"method": "sord", "method_options": {"scale": "wide"}}, "`scale` is not valid.*'wide'"),
        ({"method": "mean-variance", "method_options": {"mean_weight": -1}}, "`mean_weight`"),
    ],
)
def test_a_wrong_method_is_refused_before_anything_is_written(folder, tmp_path, settings, reason):
    with pytest.raises(ConfigError, match=reason):
        train(config_of(folder, model="tiny-age-net", **settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()
