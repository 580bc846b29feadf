"""Networks in the ONNX format, run by ONNX Runtime."""

from typing import TYPE_CHECKING

from keras_dldl.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

ONLY_FATAL = 4  # what ONNX Runtime logs: it complains of processors it does not know


class OnnxInterpreter:
    """A network in memory, for batches of any size; safe to call from several threads.

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
