"""The signatures, as the session of a model server sees them."""

import numpy as np
import pytest

from keras_dldl.export.parity import generated_images
from tests.evaluation.given import noise
from tests.faces.odd_images import encoded

tf = pytest.importorskip("tensorflow")

OUTPUTS = {"value": [None], "std": [None], "distribution": [None, 101], "labels": [None, 101]}
# What must not stand in a graph that any server of TensorFlow is to run.
FOREIGN = ("PyFunc", "EagerPyFunc", "PyFuncStateless", "XlaLaunch", "XlaCallModule")


@pytest.fixture(scope="module")
def folder(exported):
    return exported.path


@pytest.fixture(scope="module")
def model(folder):
    return tf.saved_model.load(str(folder))


@pytest.fixture(scope="module")
def session(folder):
    """A session over the graph, which is what a model server runs; returns its `run`."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        found = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))

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
def test_each_is_named_and_typed(model, name, given, more):
    signature = model.signatures[name]
    (spec,) = signature.structured_input_signature[1].values()
    assert (spec.name, spec.dtype, spec.shape.as_list()) == given
    found = {key: spec.shape.as_list() for key, spec in signature.structured_outputs.items()}
    assert found == OUTPUTS | more
    kinds = {key: spec.dtype for key, spec in signature.structured_outputs.items()}
    assert kinds.pop("status", tf.string) == tf.string
    assert set(kinds.values()) == {tf.float32}


def test_floats_are_not_rounded(model):
    faces = noise(2, seed=2).astype(np.float32)
    serve = model.signatures["images_float"]
    value = serve(images=tf.constant(faces))["value"].numpy()
    moved = serve(images=tf.constant(faces + 0.25))["value"].numpy()
    assert np.abs(moved - value).max() > 1e-6


def test_a_bad_image_is_nan_in_its_row_alone(model):
    faces = noise(2, seed=3)
    good = [encoded(face) for face in faces]
    serve = model.signatures["serving_default"]
    alone = serve(image_bytes=tf.constant(good))
    found = serve(image_bytes=tf.constant([b"text", good[0], good[1][:99], good[1]]))
    words = [text.decode() for text in found["status"].numpy()]
    assert words == ["not a JPEG or PNG image", "ok", "damaged", "ok"]
    for name in ("value", "std", "distribution"):
        array = found[name].numpy()
        assert np.isnan(array[[0, 2]]).all()
        np.testing.assert_allclose(array[[1, 3]], alone[name], atol=1e-5)
    assert (found["labels"].numpy() == np.arange(101)).all()


def test_the_session_of_a_server_runs_them(session, model):
    run, found = session
    picture = generated_images(1, 90, seed=4)[0][:70]
    files = np.array([encoded(picture, "JPEG"), b"", encoded(picture)], object)
    outputs = run("serving_default", files)
    assert outputs["status"].tolist() == [b"ok", b"not a JPEG or PNG image", b"ok"]
    expected = model.signatures["serving_default"](image_bytes=tf.constant(files.tolist()))
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
