"""`build_model`: networks by name."""

from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import LabelGrid
from keras_dldl.methods import Method
from keras_dldl.models.face_model import FaceModel


def build_model(
    name: str,
    grid: LabelGrid,
    method: str | Method = "dldl-v2",
    input_size: int = 224,
    alignment: Alignment | None = None,
    dropout: float = 0.0,
    pooling: str | None = None,
) -> FaceModel:
    """Build an untrained model.

    Args:
        name: "tiny-age-net" (0.94 M parameters with 101 labels), "thin-age-net" (3.71 M),
            "nano-age-net" (0.10 M, for 64 x 64), "vgg16" (134.7 M, the paper's baseline with its
            fully connected layers, at 224 x 224), or "keras:NAME" with a network of
            keras.applications.
        grid: the label grid; it sets the number of outputs.
        method: a name in `keras_dldl.methods.METHODS`, `module:Class`, or a `Method`.
        input_size: side of the input in pixels, from 32 up; some networks ask for more.
        alignment: how faces are cut out for it; default `faces.Alignment()`.
        dropout: rate before the head, in [0, 1). The paper has none.
        pooling: "hybrid" (the maximum over 2 x 2, then the average: the paper's), "average", "gem"
            (the generalised mean with a learnt power), or None: hybrid for the paper's networks,
            the average for those of keras.applications.

    Returns:
        A functional `FaceModel`: (B, S, S, 3) images, 0 ... 255 -> (B, K) probabilities.

    Raises:
        ConfigError: an unknown name, or a number out of range.

    >>> from keras_dldl import LabelGrid, build_model
    >>> build_model("tiny-age-net", LabelGrid.age(), input_size=64).count_params()
    936981
    """
    layer_name = str(name).replace("-", "_").replace(":", "_")
    return FaceModel(
        name, grid, method, input_size, alignment, dropout, pooling=pooling, name=layer_name
    )
