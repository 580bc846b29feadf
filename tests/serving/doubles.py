"""Servers that answer as TensorFlow Serving does, and the real one.

Over gRPC it is a double, by the stubs of its own package `tensorflow-serving-api` over
`tf.saved_model.load`; over REST our own server.
"""

import contextlib
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import tensorflow as tf

from keras_dldl.runtime import open_network
from keras_dldl.serving.registry import ModelTable
from tests.serving.conftest import client_of

REAL_SERVER = shutil.which("tensorflow_model_server")


@contextlib.contextmanager
def grpc_double(folder):
    """Serve over gRPC; yield the address."""
    import grpc
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
    )

    version, model = int(folder.name), tf.saved_model.load(str(folder))

    def checked(spec, context):
        wanted = spec.version.value if spec.HasField("version") else version
        if (spec.name, wanted) != ("m", version):
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {spec.name}")

    class Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            checked(request.model_spec, context)
            inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
            signature = model.signatures[request.model_spec.signature_name]
            answer = predict_pb2.PredictResponse()
            for name, array in signature(**{k: tf.constant(v) for k, v in inputs.items()}).items():
                answer.outputs[name].CopyFrom(tf.make_tensor_proto(array.numpy()))
            return answer

        def GetModelMetadata(self, request, context):
            checked(request.model_spec, context)
            signatures = get_model_metadata_pb2.SignatureDefMap()
            for name, signature in signature_defs(folder).items():
                signatures.signature_def[name].CopyFrom(signature)
            answer = get_model_metadata_pb2.GetModelMetadataResponse()
            answer.metadata["signature_def"].Pack(signatures)
            return answer

    class Models(model_service_pb2_grpc.ModelServiceServicer):
        def GetModelStatus(self, request, context):
            checked(request.model_spec, context)
            answer = get_model_status_pb2.GetModelStatusResponse()
            answer.model_version_status.add(version=version, state="AVAILABLE")
            return answer

    server = grpc.server(ThreadPoolExecutor(4))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Prediction(), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(Models(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"grpc://127.0.0.1:{port}"
    server.stop(None).wait()


def signature_defs(folder):
    from tensorflow.core.protobuf import saved_model_pb2

    content = (folder / "saved_model.pb").read_bytes()
    (graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    return graph.signature_def


@contextlib.contextmanager
def own_server(folder):
    """Serve by `keras-dldl serve`, over REST; yield the address."""
    table = ModelTable()
    table.add("m", int(folder.name), open_network(folder))
    with client_of(table) as client:
        yield str(client.base_url)


@contextlib.contextmanager
def model_server(folder, scheme):
    """Start `tensorflow_model_server` on the folder of versions; yield the address."""
    ports = {name: free_port() for name in ("grpc", "http")}
    command = [
        REAL_SERVER,
        f"--port={ports['grpc']}",
        f"--rest_api_port={ports['http']}",
        "--model_name=m",
        f"--model_base_path={folder.parent}",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(ports["http"])
        yield f"{scheme}://127.0.0.1:{ports[scheme]}"
    finally:
        process.terminate()
        process.wait()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port, seconds=60):
    from keras_dldl.errors import ServerError
    from keras_dldl.serving import Client

    client = Client(f"http://127.0.0.1:{port}", "m", retries=0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(ServerError):
            if any(one["state"] == "AVAILABLE" for one in client.status()):
                return
        time.sleep(0.2)
    raise TimeoutError(f"tensorflow_model_server was not ready within {seconds} seconds")
