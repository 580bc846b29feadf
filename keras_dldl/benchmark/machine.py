"""What is measured on: the processor, its peak at large matrix products, the versions."""

import importlib.util
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl._utils.threads import cores

PACKAGES = ("keras", "tensorflow", "ai-edge-litert", "onnxruntime", "openvino", "numpy")
SIDE = 1536  # of the matrices


def machine() -> dict[str, Any]:
    """Return what is known of the machine, as plain JSON values; `load` is of the last minute."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {
        "processor": _processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "versions": versions,
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def products(threads: int, side: int = SIDE) -> dict[str, Callable[[], object]]:
    """Return large matrix products to time, by names that begin with their arithmetic.

    "float32, TensorFlow"; with `onnx` and `onnxruntime` also "float32, ONNX Runtime" and
    "int8, ONNX Runtime" (`MatMulInteger`). Each does `operations(side)`.
    """
    import tensorflow as tf

    factors = tf.random.stateless_uniform((2, side, side), (0, 0))
    found = {"float32, TensorFlow": lambda: tf.matmul(factors[0], factors[1]).numpy()}
    if all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        found["float32, ONNX Runtime"] = _onnx_product("MatMul", np.float32, side, threads)
        found["int8, ONNX Runtime"] = _onnx_product("MatMulInteger", np.int8, side, threads)
    return found


def operations(side: int = SIDE) -> int:
    """Return the multiplications and additions of one product."""
    return 2 * side**3


def _onnx_product(operator: str, kind: type, side: int, threads: int) -> Callable[[], object]:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    left_kind = np.uint8 if kind is np.int8 else kind
    types = {np.float32: TensorProto.FLOAT, np.int8: TensorProto.INT32}
    left = np.ones((side, side), left_kind)
    graph = helper.make_graph(
        [helper.make_node(operator, ["left", "right"], ["product"])],
        "product",
        [
            helper.make_tensor_value_info(
                "left", helper.np_dtype_to_tensor_dtype(left.dtype), left.shape
            )
        ],
        [helper.make_tensor_value_info("product", types[kind], left.shape)],
        [numpy_helper.from_array(np.ones((side, side), kind), "right")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"left": left})
