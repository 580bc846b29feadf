"""What serves a model decodes as prediction does, whatever the method."""

import keras
import numpy as np
import pytest

from keras_dldl.evaluation.decoding import decode
from keras_dldl.export import export_model
from keras_dldl.labels import LabelGrid
from keras_dldl.models import FaceModel
from keras_dldl.predict import predict_age
from keras_dldl.runtime.networks import KerasNetwork
from tests.evaluation.given import noise, run_in_process

tf = pytest.importorskip("tensorflow")


@pytest.mark.parametrize("name", ["mr-l1", "ranking-bce"])
def test_the_export_gives_the_value_of_python(mini_backbone, name, tmp_path, monkeypatch):
    run_in_process(monkeypatch)
    keras.utils.set_random_seed(3)
    model = FaceModel(mini_backbone, LabelGrid.age(), name, 32)
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables[2:]:  # else every answer would be near one half
        variable.assign(variable + 0.3 * rng.normal(size=variable.shape))
    result = export_model(model, "saved-model", tmp_path / "served")
    assert result.parity.value < 1e-3

    loaded = tf.saved_model.load(str(result.path))
    images = noise(5, 32)
    served = loaded.signatures["images"](images=tf.constant(images))
    average = np.mean(KerasNetwork(model).views(images), axis=0, dtype=np.float64)
    values, stds = decode(average, model.grid, model.method.decoder)
    np.testing.assert_allclose(served["value"], values, atol=1e-3)
    np.testing.assert_allclose(served["std"], stds, atol=1e-3)
    predicted = predict_age(list(images), model=model, detect=False)
    np.testing.assert_allclose([float(p) for p in predicted], values, atol=1e-3)
    assert len(np.unique(np.round(values, 3))) > 1
    assert {p.decoder for p in predicted} == {model.method.decoder}
