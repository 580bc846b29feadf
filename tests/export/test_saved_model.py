"""The SavedModel: read by TensorFlow alone, the numbers of prediction, any image size."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.export import ParityError, export_model, saved_model
from keras_dldl.export.parity import generated_images, keras_outputs
from keras_dldl.export.tensorflow_alone import answers
from keras_dldl.predict import predict_age
from tests.evaluation.given import noise, tiny_model
from tests.faces.odd_images import encoded

tf = pytest.importorskip("tensorflow")

OUTPUTS = {"value": [None], "std": [None], "distribution": [None, 101], "labels": [None, 101]}
# What must not stand in a graph that any server of TensorFlow is to run.
FOREIGN = ("PyFunc", "EagerPyFunc", "PyFuncStateless", "XlaLaunch", "XlaCallModule")


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def served(exported):
    return tf.saved_model.load(str(exported.path))


def test_it_lies_where_a_server_looks_agrees_with_keras_and_tells_how_to_feed_it(model, exported):
    assert exported.path.name == "2"
    assert (exported.path / "saved_model.pb").is_file()
    assert 0 <= exported.parity.value < 1e-4
    names = sorted(entry.name for entry in exported.path.parent.iterdir())
    assert names == ["2", "batching.config", "docker-compose.yml", "models.config"]
    card = json.loads((exported.path / "assets.extra" / "keras_dldl.json").read_text())
    assert card["input_size"] == 32 and card["task"] == "age" and card["unit"] == "years"
    assert card["labels"] == list(range(101))
    assert np.allclose(card["alignment"]["five_points"], model.alignment.template(32))


def test_weights_are_stored_once(model, exported):
    weights = sum(path.stat().st_size for path in (exported.path / "variables").iterdir())
    assert weights < 4 * model.count_params() + 20_000


@pytest.mark.parametrize("count", [1, 2, 7])
def test_numbers_are_those_of_prediction(model, served, count):
    faces = noise(count, seed=count)
    found = served.signatures["images"](images=tf.constant(faces))
    predicted = predict_age(list(faces), model=model, detect=False)
    assert np.abs(found["value"].numpy() - [float(p) for p in predicted]).max() < 1e-4
    assert np.abs(found["std"].numpy() - [p.std for p in predicted]).max() < 1e-4
    distributions = np.stack([p.distribution for p in predicted])
    # Float32 sums in another order; some processors' come to 1.1e-6.
    assert np.abs(found["distribution"].numpy() - distributions).max() < 2e-6


@pytest.mark.parametrize("shape", [(64, 64), (47, 90), (20, 25)])
def test_other_sizes_are_resized_as_at_prediction(model, served, shape):
    image = generated_images(1, 96, seed=5)[0][: shape[0], : shape[1]]
    found = served.signatures["images"](images=tf.constant(image[None]))["value"].numpy()[0]
    # Pillow rounds once more, between the two directions.
    assert found == pytest.approx(float(predict_age(image, model=model, detect=False)), abs=0.05)


def test_the_other_process_cannot_import_keras(tmp_path, monkeypatch):
    program = saved_model.TENSORFLOW_ALONE.read_text()
    probe = tmp_path / "probe.py"
    probe.write_text(program.replace("    import numpy as np", "    import keras"))
    monkeypatch.setattr(saved_model, "TENSORFLOW_ALONE", probe)
    with pytest.raises(ParityError, match="import of keras halted.*exit status 1"):
        saved_model.run_alone(tmp_path, [])


def test_a_model_that_does_not_agree_is_not_kept(model, tmp_path, monkeypatch):
    def write(model, folder, mirror):
        (folder / "assets.extra").mkdir()
        (folder / "saved_model.pb").touch()

    def other_numbers(folder, batches):
        assert (folder / "saved_model.pb").is_file()
        outputs = [keras_outputs(model, images, True) for images in batches]
        return [o | {"value": o["value"] + 0.01} for o in outputs]

    monkeypatch.setattr(saved_model, "write", write)
    monkeypatch.setattr(saved_model, "run_alone", other_numbers)
    with pytest.raises(ParityError, match="0.01 in `value`"):
        export_model(model, "saved-model", tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("onnx-runtime", "m"), "`format` .* must be one of .*litert"),
        (("saved-model", "m", 0), "`version` .* whole number, 1 or more"),
        (("saved-model", "m", 1.5), "`version`"),
        (("saved-model", "m", "1"), "`version`"),
        (("saved-model", "m", "next"), "`version`"),
    ],
)
def test_wrong_arguments_are_refused(model, tmp_path, arguments, message):
    format, name, *version = arguments
    with pytest.raises(ConfigError, match=message):
        export_model(model, format, tmp_path / name, version=version[0] if version else None)
    assert list(tmp_path.iterdir()) == []


def test_a_signature_that_disagrees_ends_the_other_process():
    """Its exit status keeps the export from its name, see the test before."""

    def signature(shift):
        return lambda **given: {"value": tf.fill([3], 20.0 + shift)}

    shifts = {"images": 0.0, "images_float": 5e-4, "serving_default": 2e-3}
    signatures = {name: signature(shift) for name, shift in shifts.items()}
    with pytest.raises(SystemExit, match="value of serving_default differs .* images by 0.002"):
        answers(SimpleNamespace(signatures=signatures), noise(3))


def test_a_missing_model_leaves_no_folder(tmp_path):
    with pytest.raises(ModelFileError):
        export_model(tmp_path / "missing.keras", "saved-model", tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_plain_error(tmp_path, monkeypatch):
    def full(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "part-0; No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(OSError, match="No space left on device: '.*out'"):
        export_model(tiny_model(), "saved-model", tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def session(exported):
    """A session over the graph, which is what a model server runs; returns its `run`."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        found = tf.compat.v1.saved_model.load(session, ["serve"], str(exported.path))

    def run(name, array):
        signature = found.signature_def[name]
        (given,) = signature.inputs.values()
        outputs = {key: info.name for key, info in signature.outputs.items()}
        return session.run(outputs, {given.name: array})

    yield run, found
    session.close()


@pytest.mark.parametrize(
    ("name", "given", "more"),
    [
        ("serving_default", ("image_bytes", tf.string, [None]), {"status": [None]}),
        ("images", ("images", tf.uint8, [None, None, None, 3]), {}),
        ("images_float", ("images", tf.float32, [None, None, None, 3]), {}),
    ],
)
def test_each_is_named_and_typed(served, name, given, more):
    signature = served.signatures[name]
    (spec,) = signature.structured_input_signature[1].values()
    assert (spec.name, spec.dtype, spec.shape.as_list()) == given
    found = {key: spec.shape.as_list() for key, spec in signature.structured_outputs.items()}
    assert found == OUTPUTS | more
    kinds = {key: spec.dtype for key, spec in signature.structured_outputs.items()}
    assert kinds.pop("status", tf.string) == tf.string
    assert set(kinds.values()) == {tf.float32}


def test_floats_are_not_rounded(served):
    faces = noise(2, seed=2).astype(np.float32)
    serve = served.signatures["images_float"]
    value = serve(images=tf.constant(faces))["value"].numpy()
    moved = serve(images=tf.constant(faces + 0.25))["value"].numpy()
    assert np.abs(moved - value).max() > 1e-6


def test_a_bad_image_is_nan_in_its_row_alone(served):
    faces = noise(2, seed=3)
    good = [encoded(face) for face in faces]
    serve = served.signatures["serving_default"]
    alone = serve(image_bytes=tf.constant(good))
    found = serve(image_bytes=tf.constant([b"text", good[0], good[1][:99], good[1]]))
    words = [text.decode() for text in found["status"].numpy()]
    assert words == ["not a JPEG or PNG image", "ok", "damaged", "ok"]
    for name in ("value", "std", "distribution"):
        array = found[name].numpy()
        assert np.isnan(array[[0, 2]]).all()
        np.testing.assert_allclose(array[[1, 3]], alone[name], atol=1e-5)
    assert (found["labels"].numpy() == np.arange(101)).all()


def test_the_session_of_a_server_runs_them(session, served):
    run, found = session
    picture = generated_images(1, 90, seed=4)[0][:70]
    files = np.array([encoded(picture, "JPEG"), b"", encoded(picture)], object)
    outputs = run("serving_default", files)
    assert outputs["status"].tolist() == [b"ok", b"not a JPEG or PNG image", b"ok"]
    expected = served.signatures["serving_default"](image_bytes=tf.constant(files.tolist()))
    np.testing.assert_allclose(outputs["value"], expected["value"], atol=1e-5)
    assert run("images", picture[None])["value"] == pytest.approx(outputs["value"][2], abs=0.01)


def test_only_operations_of_tensorflows_core_are_in_it(session):
    _, found = session
    functions = found.graph_def.library.function
    used = {node.op for node in found.graph_def.node}
    used |= {node.op for function in functions for node in function.node_def}
    assert not used & set(FOREIGN)
    own = {function.signature.name for function in functions}
    registered = {op for op in used if op not in own and op in tf.raw_ops.__dict__}
    assert used - own - registered <= {"Placeholder", "NoOp", "PartitionedCall"}
    assert {"DecodeJpeg", "DecodePng", "IgnoreErrorsDataset"} & used


def test_each_signature_answers_the_warm_up_requests_at_both_batch_sizes(exported, served):
    logs = pytest.importorskip(
        "tensorflow_serving.apis.prediction_log_pb2",
        reason="tensorflow-serving-api (extra dev) is missing",
    )
    # Where a server looks, see its documentation.
    place = exported.path / "assets.extra" / "tf_serving_warmup_requests"
    assert place.stat().st_size < 100_000
    seen = []
    for record in tf.data.TFRecordDataset(str(place)):
        log = logs.PredictionLog.FromString(record.numpy())
        assert log.WhichOneof("log_type") == "predict_log"
        request = log.predict_log.request
        given = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        (array,) = given.values()
        signature = request.model_spec.signature_name
        tensors = {name: tf.constant(array) for name, array in given.items()}
        outputs = served.signatures[signature](**tensors)
        assert np.isfinite(outputs["value"]).all()
        assert outputs["distribution"].shape == (len(array), 101)
        if array.ndim == 4:
            assert array.shape[1:] == (32, 32, 3) and (array == 128).all()
        else:
            kinds = [bytes(file[:4]) for file in array]
            assert kinds == [b"\xff\xd8\xff\xe0", *[b"\x89PNG"] * (len(array) - 1)]
            assert set(outputs["status"].numpy()) == {b"ok"}
        seen.append((signature, len(array)))
    signatures = ("serving_default", "images", "images_float")
    assert sorted(seen) == sorted((name, count) for name in signatures for count in (1, 32))
