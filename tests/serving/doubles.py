"""Servers that answer as TensorFlow Serving does, over `tf.saved_model.load`; and the real one.

Over gRPC by the stubs of its own package `tensorflow-serving-api`; over REST after its page
https://www.tensorflow.org/tfx/serving/api_rest.
"""

import base64
import contextlib
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import tensorflow as tf

REAL_SERVER = shutil.which("tensorflow_model_server")


class Served:
    """A model as both servers see it: one version under the name "m"."""

    def __init__(self, folder):
        self.version = int(folder.name)
        self.model = tf.saved_model.load(str(folder))

    def knows(self, name, version=None):
        return name == "m" and version in (None, self.version)

    def spec(self, signature):
        """Return what the only input of a signature is; ValueError where there is none."""
        if signature not in self.model.signatures:
            raise ValueError(f'Serving signature name: "{signature}" not found in signature def')
        (spec,) = self.model.signatures[signature].structured_input_signature[1].values()
        return spec

    def answer(self, signature, inputs):
        """Return the outputs by name of tensors by name; ValueError where they do not fit."""
        spec = self.spec(signature)
        function = self.model.signatures[signature]
        if set(inputs) != {spec.name}:
            raise ValueError("Missing named input")
        given = tf.cast(inputs[spec.name], spec.dtype)
        return {name: array.numpy() for name, array in function(**{spec.name: given}).items()}


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

    served = Served(folder)

    def checked(spec, context):
        version = spec.version.value if spec.HasField("version") else None
        if not served.knows(spec.name, version):
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {spec.name}")

    class Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            checked(request.model_spec, context)
            inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
            try:
                found = served.answer(request.model_spec.signature_name, inputs)
            except (ValueError, tf.errors.OpError) as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            answer = predict_pb2.PredictResponse()
            for name, array in found.items():
                answer.outputs[name].CopyFrom(tf.make_tensor_proto(array))
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
            answer.model_version_status.add(version=served.version, state="AVAILABLE")
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
def rest_double(folder):
    """Serve over REST; yield the address."""
    served = Served(folder)

    class Handler(BaseHTTPRequestHandler):
        path_form = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+))?(/metadata|:predict)?")

        def log_message(self, *_):
            pass

        def do_GET(self):
            name, version, what = self.path_form.fullmatch(self.path).groups()
            if not served.knows(name, version and int(version)):
                return self.send(404, {"error": f"Could not find any versions of model {name}"})
            if what == "/metadata":
                return self.send(200, metadata(name))
            state = {"version": str(served.version), "state": "AVAILABLE"}
            state["status"] = {"error_code": "OK", "error_message": ""}
            return self.send(200, {"model_version_status": [state]})

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            name, version, _ = self.path_form.fullmatch(self.path).groups()
            if not served.knows(name, version and int(version)):
                return self.send(404, {"error": f"Servable not found for request: {name}"})
            try:
                return self.send(200, predicted(json.loads(body)))
            except (ValueError, TypeError, tf.errors.OpError) as error:
                return self.send(400, {"error": str(error)})

        def send(self, code, content):
            text = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    def predicted(request):
        signature = request.get("signature_name", "serving_default")
        if "instances" in request:
            rows = decoded(request["instances"])
            named = [row if isinstance(row, dict) else {only_input(signature): row} for row in rows]
            inputs = {key: np.array([row[key] for row in named]) for key in named[0]}
            outputs = plain(served.answer(signature, as_objects(inputs)))
            names = list(outputs)
            rows = zip(*outputs.values(), strict=True)
            return {"predictions": [dict(zip(names, row, strict=True)) for row in rows]}
        inputs = decoded(request["inputs"])
        if not isinstance(inputs, dict):
            inputs = {only_input(signature): inputs}
        return {"outputs": plain(served.answer(signature, as_objects(inputs)))}

    def only_input(signature):
        return served.spec(signature).name

    def metadata(name):
        from google.protobuf import json_format

        signatures = {
            key: json_format.MessageToDict(one, preserving_proto_field_name=True)
            for key, one in signature_defs(folder).items()
        }
        spec = {"name": name, "signature_name": "", "version": str(served.version)}
        return {
            "model_spec": spec,
            "metadata": {"signature_def": {"signature_def": signatures}},
        }

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def decoded(value):
    """Return JSON values with `{"b64": ...}` as bytes."""
    if isinstance(value, dict):
        if set(value) == {"b64"}:
            return base64.b64decode(value["b64"])
        return {key: decoded(one) for key, one in value.items()}
    return [decoded(one) for one in value] if isinstance(value, list) else value


def as_objects(inputs):
    # NumPy's own bytes arrays would lose zeros at the end of a file.
    return {
        key: tf.constant(value if not isinstance(value, np.ndarray) else value.tolist())
        for key, value in inputs.items()
    }


def plain(outputs):
    """Return arrays as lists, bytes as text; names that end in _bytes are none of this model's."""
    return {
        name: [text.decode() for text in array] if array.dtype == object else array.tolist()
        for name, array in outputs.items()
    }


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
