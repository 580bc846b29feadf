"""From the nested modules of a Torch7 network to one chain."""

from dataclasses import dataclass

from keras_dldl.errors import ModelFileError
from keras_dldl.importing.t7_file import TorchObject
from keras_dldl.importing.torch7_fields import Fields, shown
from keras_dldl.models.layer_list import MAX_LAYERS

# Of both libraries: `nn`, and `cudnn`, whose modules have the same fields.
CONTAINERS = {"nn.Sequential", "nn.DataParallelTable"}
LAYERS = {
    "SpatialConvolution", "SpatialConvolutionMM", "SpatialBatchNormalization", "BatchNormalization",
    "ReLU", "SpatialMaxPooling", "SpatialAveragePooling", "View", "Reshape", "Linear", "Dropout",
    "Identity", "SoftMax", "LogSoftMax", "Sigmoid", "Tanh", "ConcatTable", "ExpOut",
}  # fmt: skip
CLASSES = CONTAINERS | {f"{library}.{name}" for library in ("nn", "cudnn") for name in LAYERS}


@dataclass(frozen=True)
class Link:
    """One module of the chain: its class without the library, its fields."""

    name: str
    fields: Fields

    @property
    def is_cudnn(self) -> bool:
        """Whether the module is one of cuDNN's."""
        return self.fields.module.class_name.startswith("cudnn.")


def chain_of(network: object) -> list[Link]:
    """Return the modules of a network in the order in which they are applied.

    `nn.Identity` is left out, and nested `nn.Sequential` are opened.

    Args:
        network: what a file held.

    Raises:
        ModelFileError: it is not a network, or has too many modules.
    """
    if not isinstance(network, TorchObject) or network.class_name not in CONTAINERS:
        raise ModelFileError(
            "A Torch7 file must hold one network, an nn.Sequential. "
            f"Received: {shown(network)}{_keys(network)}"
        )
    links: list[Link] = []
    visited = 0
    # A stack and not recursion: the same module may stand in many places, each inside the other.
    waiting = [(network, "the network")]
    while waiting:
        module, place = waiting.pop()
        visited += 1
        if visited > MAX_LAYERS:
            raise ModelFileError(
                f"A Torch7 network may have {MAX_LAYERS} modules. Received: more, in {place}"
            )
        if module.class_name in CONTAINERS:
            inner = _opened(module, place)
            waiting += reversed([(m, f"{place}, module {i}") for i, m in enumerate(inner, 1)])
        elif not module.class_name.endswith(".Identity"):
            name = module.class_name.partition(".")[2]
            links.append(Link(name, Fields(module, f"{place} ({module.class_name})")))
    return links


def _opened(module: TorchObject, place: str) -> list[TorchObject]:
    modules = Fields(module, place).modules()
    # A DataParallelTable holds a copy of one network for each device.
    return modules[:1] if module.class_name == "nn.DataParallelTable" else modules


def _keys(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    names = ", ".join(sorted(str(key)[:40] for key in list(value)[:8]))
    return f" with the keys {names}" if names else ""
