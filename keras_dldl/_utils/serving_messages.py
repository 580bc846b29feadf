"""The messages of TensorFlow Serving's gRPC interface that this package sends, reads and writes.

They are declared here, number by number, since the package that has them all,
`tensorflow-serving-api`, brings TensorFlow along, which a client does not need. A map is declared
as what it is on the wire: repeated entries of key and value.
"""

from functools import cache
from typing import Any

# Message -> field -> number and type; "*" is repeated. From tensorflow_serving/apis/*.proto and
# tensorflow/core/framework/tensor.proto; the tests compare them.
MESSAGES = {
    "ModelSpec": {
        "name": (1, "string"),
        "version": (2, "Version"),
        "signature_name": (3, "string"),
    },
    "Version": {"value": (1, "int64")},
    "Dimension": {"size": (1, "int64")},
    "Shape": {"dim": (2, "Dimension*"), "unknown_rank": (3, "bool")},
    "Tensor": {
        "dtype": (1, "int32"),
        "tensor_shape": (2, "Shape"),
        "tensor_content": (4, "bytes"),
        "float_val": (5, "float*"),
        "int_val": (7, "int32*"),
        "string_val": (8, "bytes*"),
    },
    "NamedTensor": {"key": (1, "string"), "value": (2, "Tensor")},
    "PredictRequest": {"model_spec": (1, "ModelSpec"), "inputs": (2, "NamedTensor*")},
    "PredictResponse": {"outputs": (1, "NamedTensor*"), "model_spec": (2, "ModelSpec")},
    "PredictLog": {"request": (1, "PredictRequest")},
    "PredictionLog": {"predict_log": (6, "PredictLog")},
    "GetModelStatusRequest": {"model_spec": (1, "ModelSpec")},
    "Status": {"error_code": (1, "int32"), "error_message": (2, "string")},
    "VersionStatus": {"version": (1, "int64"), "state": (2, "int32"), "status": (3, "Status")},
    "GetModelStatusResponse": {"model_version_status": (1, "VersionStatus*")},
    "GetModelMetadataRequest": {"model_spec": (1, "ModelSpec"), "metadata_field": (2, "string*")},
    "Any": {"type_url": (1, "string"), "value": (2, "bytes")},
    "NamedAny": {"key": (1, "string"), "value": (2, "Any")},
    "GetModelMetadataResponse": {"model_spec": (1, "ModelSpec"), "metadata": (2, "NamedAny*")},
    "TensorInfo": {"name": (1, "string"), "dtype": (2, "int32"), "tensor_shape": (3, "Shape")},
    "NamedTensorInfo": {"key": (1, "string"), "value": (2, "TensorInfo")},
    "Signature": {"inputs": (1, "NamedTensorInfo*"), "outputs": (2, "NamedTensorInfo*")},
    "NamedSignature": {"key": (1, "string"), "value": (2, "Signature")},
    "SignatureMap": {"signature_def": (1, "NamedSignature*")},
}

# TensorFlow's numbers of element types (tensorflow/core/framework/types.proto).
FLOAT, UINT8, STRING = 1, 4, 7
DTYPE_NAMES = {FLOAT: "float", UINT8: "uint8", STRING: "string"}

_PACKAGE = "keras_dldl.serving_messages"


def message(name: str, /, **fields: Any) -> Any:
    """Return a new message of a name in `MESSAGES`.

    >>> message("ModelSpec", name="age", version={"value": 2}).SerializeToString()
    b'\\n\\x03age\\x12\\x02\\x08\\x02'
    """
    return _classes()[name](**fields)


def parse(name: str, content: bytes) -> Any:
    """Return the message of a name in `MESSAGES` that `content` holds, less what is unknown."""
    return _classes()[name].FromString(content)


@cache
def _classes() -> dict[str, type]:
    from google.protobuf import descriptor_pool, message_factory

    pool = descriptor_pool.DescriptorPool()  # of our own: the names are in use in TensorFlow's
    pool.AddSerializedFile(_file().SerializeToString())
    found = {name: pool.FindMessageTypeByName(f"{_PACKAGE}.{name}") for name in MESSAGES}
    return {name: message_factory.GetMessageClass(kind) for name, kind in found.items()}


def _file() -> Any:
    """Return the declarations as protobuf's own description of a file."""
    from google.protobuf import descriptor_pb2

    file = descriptor_pb2.FileDescriptorProto(
        name=f"{_PACKAGE}.proto", package=_PACKAGE, syntax="proto3"
    )
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in MESSAGES.items():
        declared = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            kind, is_repeated = kind.rstrip("*"), kind.endswith("*")
            one = declared.field.add(name=field, number=number)
            one.label = kinds.LABEL_REPEATED if is_repeated else kinds.LABEL_OPTIONAL
            if kind in MESSAGES:
                one.type, one.type_name = kinds.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                one.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
    return file
