"""Networks in LiteRT's format, run without TensorFlow."""

import threading
from typing import TYPE_CHECKING, Any

from keras_dldl._utils.quiet import notes_dropped
from keras_dldl.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

# What LiteRT writes to stderr with a process's first network; it has no setting for that.
NOTES = ("INFO: Created TensorFlow Lite",)
_NOTE_LOCK = threading.Lock()  # of two threads that held stderr back at once, one might keep it
_note_is_due = True


class LiteRTInterpreter:
    """A network in memory, for batches of any shape; safe to call from several threads.

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
        self._interpreter = _interpreter_class()(model_content=content, num_threads=threads)
        (given,) = self._interpreter.get_input_details()
        self._input = given["index"]
        self.input_dtype = given["dtype"].__name__
        self._outputs = _outputs(self._interpreter)
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
        if not _note_is_due:
            self._allocate(shape)
            return
        with _NOTE_LOCK, notes_dropped(NOTES):
            self._allocate(shape)
            _note_is_due = False

    def _allocate(self, shape: tuple[int, ...]) -> None:
        self._interpreter.resize_tensor_input(self._input, shape)
        self._interpreter.allocate_tensors()


def _interpreter_class() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ConfigError(
            f'The engine "litert" needs LiteRT: pip install ai-edge-litert. Received: {error}'
        ) from error
    return Interpreter


def _outputs(interpreter: Any) -> dict[str, int]:
    """Return the outputs by name: those of the signature where there is one."""
    signatures = interpreter.get_signature_list()
    if not signatures:
        return {given["name"]: given["index"] for given in interpreter.get_output_details()}
    (name,) = signatures
    return dict(interpreter._get_full_signature_list()[name]["outputs"])
