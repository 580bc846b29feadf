"""The messages declared here are, number by number, those of TensorFlow Serving's own package."""

import pytest

from keras_dldl._utils.serving_messages import MESSAGES, message, parse

pytest.importorskip("tensorflow_serving", reason="tensorflow-serving-api (extra dev) is missing")

from google.protobuf import any_pb2, wrappers_pb2  # noqa: E402
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2  # noqa: E402
from tensorflow.core.protobuf import meta_graph_pb2  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
    prediction_log_pb2,
)

REAL = {
    "ModelSpec": model_pb2.ModelSpec,
    "Version": wrappers_pb2.Int64Value,
    "Dimension": tensor_shape_pb2.TensorShapeProto.Dim,
    "Shape": tensor_shape_pb2.TensorShapeProto,
    "Tensor": tensor_pb2.TensorProto,
    "NamedTensor": predict_pb2.PredictRequest.InputsEntry,
    "PredictRequest": predict_pb2.PredictRequest,
    "PredictResponse": predict_pb2.PredictResponse,
    "PredictLog": prediction_log_pb2.PredictLog,
    "PredictionLog": prediction_log_pb2.PredictionLog,
    "GetModelStatusRequest": get_model_status_pb2.GetModelStatusRequest,
    "Status": get_model_status_pb2.ModelVersionStatus.DESCRIPTOR.fields_by_name["status"],
    "VersionStatus": get_model_status_pb2.ModelVersionStatus,
    "GetModelStatusResponse": get_model_status_pb2.GetModelStatusResponse,
    "GetModelMetadataRequest": get_model_metadata_pb2.GetModelMetadataRequest,
    "Any": any_pb2.Any,
    "NamedAny": get_model_metadata_pb2.GetModelMetadataResponse.MetadataEntry,
    "GetModelMetadataResponse": get_model_metadata_pb2.GetModelMetadataResponse,
    "TensorInfo": meta_graph_pb2.TensorInfo,
    "NamedTensorInfo": meta_graph_pb2.SignatureDef.InputsEntry,
    "Signature": meta_graph_pb2.SignatureDef,
    "NamedSignature": get_model_metadata_pb2.SignatureDefMap.SignatureDefEntry,
    "SignatureMap": get_model_metadata_pb2.SignatureDefMap,
}


def descriptor(name):
    real = REAL[name]
    return getattr(real, "message_type", None) or real.DESCRIPTOR


def wire_type(field):
    kinds = {field.TYPE_ENUM: "int32", field.TYPE_MESSAGE: "message"}
    names = {
        number: key[5:].lower()
        for key, number in vars(type(field)).items()
        if key.startswith("TYPE_") and isinstance(number, int)
    }
    return kinds.get(field.type) or names[field.type]


def content_of(real):
    """Return the name of a message, or what the entries of a map hold: those have names each."""
    if real.GetOptions().map_entry:
        key, value = (real.fields_by_name[name] for name in ("key", "value"))
        return wire_type(key), content_of(value.message_type)
    return real.full_name


@pytest.mark.parametrize("name", MESSAGES)
def test_fields_have_the_real_numbers_and_types(name):
    real = descriptor(name).fields_by_name
    for field, (number, kind) in MESSAGES[name].items():
        theirs = real[field]
        assert theirs.number == number
        repeated = getattr(theirs, "is_repeated", None)
        if repeated is None:  # before protobuf 6
            repeated = theirs.label == theirs.LABEL_REPEATED
        assert repeated == kind.endswith("*")
        kind = kind.rstrip("*")
        if kind in MESSAGES:
            assert content_of(theirs.message_type) == content_of(descriptor(kind))
        else:
            assert wire_type(theirs) == kind


def test_a_request_is_read_by_the_real_package():
    tensor = {"dtype": types_pb2.DT_STRING, "string_val": [b"\xff", b""]}
    tensor["tensor_shape"] = {"dim": [{"size": 2}]}
    ours = message(
        "PredictRequest",
        model_spec={"name": "age", "version": {"value": 3}, "signature_name": "serving_default"},
        inputs=[{"key": "image_bytes", "value": tensor}],
    )
    real = predict_pb2.PredictRequest.FromString(ours.SerializeToString())
    assert (real.model_spec.name, real.model_spec.version.value) == ("age", 3)
    assert list(real.inputs["image_bytes"].string_val) == [b"\xff", b""]
    assert real.inputs["image_bytes"].tensor_shape.dim[0].size == 2


def test_an_answer_of_the_real_package_is_read():
    real = predict_pb2.PredictResponse()
    real.outputs["value"].dtype = types_pb2.DT_FLOAT
    real.outputs["value"].float_val.extend([1.5, 2.5])
    real.outputs["value"].double_val.append(7)  # a field that is not declared here
    (entry,) = parse("PredictResponse", real.SerializeToString()).outputs
    assert (entry.key, list(entry.value.float_val)) == ("value", [1.5, 2.5])
