"""LiteRT and ONNX Runtime run networks without TensorFlow; which of them is asked for."""

import importlib.util
import os
import threading
from functools import cache
from typing import TYPE_CHECKING

from keras_dldl._utils.arguments import check_choice
from keras_dldl._utils.quiet import notes_dropped
from keras_dldl.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

ENGINES = ("auto", "keras", "litert", "onnx")
ENGINE_VARIABLE = "KERAS_DLDL_ENGINE"
_PACKAGES = {"litert": "ai_edge_litert", "onnx": "onnxruntime"}

# What LiteRT writes to stderr with a process's first network; it has no setting for that.
NOTES = ("INFO: Created TensorFlow Lite",)
_NOTE_LOCK = threading.Lock()  # of two threads that held stderr back at once, one might keep it
_note_is_due = True
ONLY_FATAL = 4  # what ONNX Runtime logs: it complains of processors it does not know


def asked_engine(engine: str | None = None) -> str:
    """Return the engine to use: `engine`, else KERAS_DLDL_ENGINE, else "auto".

    Raises:
        ConfigError: there is no such engine.
    """
    if engine is not None:
        return check_choice("engine", engine, ENGINES)
    return check_choice(ENGINE_VARIABLE, os.environ.get(ENGINE_VARIABLE) or "auto", ENGINES)


@cache
def is_installed(engine: str) -> bool:
    """Tell whether the package behind "litert" or "onnx" is there; it is not imported for that."""
    return importlib.util.find_spec(_PACKAGES[engine]) is not None


class LiteRTInterpreter:
    """A network in LiteRT's format, for batches of any shape; safe to call from several threads.

    Each thread has an interpreter of its own, over the same bytes.

    Args:
        content: what a `.tflite` file holds.
        threads: of each interpreter.

    Attributes:
        input_dtype: of the one input, such as "float32".

    Raises:
        ConfigError: `ai-edge-litert` is not installed.
        ValueError: the content is not a network.
    """

    def __init__(self, content: bytes, threads: int = 1):
        self._content = content
        self._threads = threads
        self._local = threading.local()
        self.input_dtype = self._interpreter().input_dtype

    def __call__(self, images: "np.ndarray") -> "dict[str, np.ndarray]":
        """Return the outputs by name."""
        return self._interpreter().run(images)

    def _interpreter(self) -> "_OfThread":
        if not hasattr(self._local, "interpreter"):
            self._local.interpreter = _OfThread(self._content, self._threads)
        return self._local.interpreter


class _OfThread:
    """LiteRT's interpreter of one thread."""

    def __init__(self, content: bytes, threads: int):
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ConfigError(
                f'The engine "litert" needs LiteRT: pip install ai-edge-litert. Received: {error}'
            ) from error
        self._interpreter = Interpreter(model_content=content, num_threads=threads)
        (given,) = self._interpreter.get_input_details()
        self._input = given["index"]
        self.input_dtype = given["dtype"].__name__
        self._outputs = self._named_outputs()
        self._shape: tuple[int, ...] | None = None

    def run(self, images: "np.ndarray") -> "dict[str, np.ndarray]":
        if images.shape != self._shape:
            self._shape = None  # an error here leaves it half prepared
            self._prepare(images.shape)
            self._shape = images.shape
        self._interpreter.set_tensor(self._input, images)
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(k) for name, k in self._outputs.items()}

    def _prepare(self, shape: tuple[int, ...]) -> None:
        global _note_is_due
        if _note_is_due:
            with _NOTE_LOCK:
                if _note_is_due:  # another thread may have written it meanwhile
                    with notes_dropped(NOTES):
                        self._allocate(shape)
                    _note_is_due = False
                    return
        self._allocate(shape)

    def _allocate(self, shape: tuple[int, ...]) -> None:
        self._interpreter.resize_tensor_input(self._input, shape)
        self._interpreter.allocate_tensors()

    def _named_outputs(self) -> dict[str, int]:
        """Return the outputs by name: those of the signature where there is one."""
        signatures = self._interpreter.get_signature_list()
        if not signatures:
            outputs = self._interpreter.get_output_details()
            return {given["name"]: given["index"] for given in outputs}
        (name,) = signatures
        return dict(self._interpreter._get_full_signature_list()[name]["outputs"])


class OnnxInterpreter:
    """A network in the ONNX format, for batches of any size; safe to call from several threads.

    Args:
        content: what an `.onnx` file holds.
        threads: of each call.

    Attributes:
        input_dtype: of the one input, such as "float32".
        metadata: texts by name that the file holds beside the network.

    Raises:
        ConfigError: `onnxruntime` is not installed.
        ValueError: the content is not a network.
    """

    def __init__(self, content: bytes, threads: int = 1):
        try:
            import onnxruntime
        except ImportError as error:
            raise ConfigError(
                'The engine "onnx" needs ONNX Runtime: pip install "keras-dldl[onnx]". '
                f"Received: {error}"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, ONLY_FATAL
        options.enable_cpu_mem_arena = False  # it never gives back what the largest batch took
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its errors derive from nothing narrower
            raise ValueError(str(error).strip().split("\n")[0]) from error
        (given,) = self._session.get_inputs()
        self._input = given.name
        self.input_dtype = {"tensor(uint8)": "uint8"}.get(given.type, "float32")
        self.metadata = self._session.get_modelmeta().custom_metadata_map

    def __call__(self, images: "np.ndarray") -> "dict[str, np.ndarray]":
        """Return the outputs by name."""
        names = [output.name for output in self._session.get_outputs()]
        return dict(zip(names, self._session.run(names, {self._input: images}), strict=True))
