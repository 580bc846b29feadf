"""Warm-up requests: real PredictionLog records, that every signature answers."""

import numpy as np
import pytest

from keras_dldl.export import warm_up
from keras_dldl.export.server_files import USUAL_BATCH

tf = pytest.importorskip("tensorflow")
logs = pytest.importorskip(
    "tensorflow_serving.apis.prediction_log_pb2",
    reason="tensorflow-serving-api (extra dev) is missing",
)


def test_each_signature_answers_them_at_both_batch_sizes(exported):
    folder = exported.path
    # Where a server looks, see its documentation.
    place = folder / "assets.extra" / "tf_serving_warmup_requests"
    assert place.stat().st_size < 100_000
    model = tf.saved_model.load(str(folder))
    seen = []
    for record in tf.data.TFRecordDataset(str(place)):
        log = logs.PredictionLog.FromString(record.numpy())
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        given = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        (array,) = given.values()
        signature = request.model_spec.signature_name
        tensors = {name: tf.constant(array) for name, array in given.items()}
        outputs = model.signatures[signature](**tensors)
        assert np.isfinite(outputs["value"]).all()
        assert outputs["distribution"].shape == (len(array), 101)
        if array.ndim == 4:
            assert array.shape[1:] == (32, 32, 3) and (array == 128).all()
        else:
            kinds = [bytes(file[:4]) for file in array]
            assert kinds == [b"\xff\xd8\xff\xe0", *[b"\x89PNG"] * (len(array) - 1)]
            assert set(outputs["status"].numpy()) == {b"ok"}
        seen.append((signature, len(array)))
    expected = {
        (signature, count)
        for signature in ("serving_default", "images", "images_float")
        for count in (1, USUAL_BATCH)
    }
    assert set(seen) == expected and len(seen) == len(expected)
    assert warm_up.BATCH_SIZES == (1, 32)
