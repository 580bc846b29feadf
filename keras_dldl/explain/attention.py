"""Class activation: which places of a face speak for which label.

Where a linear layer follows globally averaged features, its logits are averages over the places
of the last feature map: `z_k = mean_ij sum_c W_kc f_c(i, j) + b_k` (Zhou et al. 2016, section 2;
Gao et al. 2018, section 4). What is averaged is label k's score map.
"""

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.errors import ConfigError

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel

MOST_COLUMNS = 1000  # of a feature map
ALLOWED = (
    "Attention maps need a linear layer on a globally averaged (or otherwise pooled) feature map, "
    "as tiny-age-net, thin-age-net and the networks of keras.applications have"
)


class AttentionMaps:
    """The attention maps of one model of any method, on any backbone that pools its last map.

    Under a softmax over the labels the linear layer has an output a label, and its score maps are
    the labels' own. Under a ranking code, whose logits `s_j` answer "is it older than l_j?", label
    k's logit among the labels is `sum_{j<k} s_j`, and so is its score map. One output, or one
    weight vector for all of them, has one score map.

    With average and hybrid pooling the mean over a score map, plus the label's bias, is the label's
    logit exactly. With the generalised mean (`pooling="gem"`) it is not: there strong places count
    for more than in the mean, so that the maps still say where each channel's evidence lies, and
    understate how much the strongest place decides.

    The methods take (B, S, S, 3) images, 0 ... 255, S the model's input size.

    Args:
        model: a `FaceModel` whose head is linear on globally pooled features.

    Attributes:
        model: that model.
        covered: the shares of the face's height and width, from the top left, that the maps stand
            for: below 1 where a pooling left out the last row and column of an odd map.

    Raises:
        ConfigError: the model has no such head.
    """

    def __init__(self, model: "FaceModel"):
        import keras

        _check_has_maps(model)
        self.model = model
        self.covered = _covered(model.feature_map)
        self._features = keras.Model(
            model.input, [model.feature_map, model.output], name=f"{model.name}_features"
        )

    def score_maps(self, images: Any) -> np.ndarray:
        """Return each label's score map, (B, K, h, w) float32, at the last feature map's places.

        For a head with an output a label on averaged features, the mean over a map plus the label's
        bias is its logit.
        """
        features, _ = self._run(images)
        return self._label_maps(features)

    def attention(self, images: Any) -> np.ndarray:
        """Return where in each image the predicted labels find their evidence, (B, h, w) float32.

        The score maps weighted by the predicted probabilities and added up; each sum is scaled to
        [0, 1] of its own. A sum that is the same everywhere gives zeros.
        """
        return self.attention_and_distribution(images)[0]

    def attention_and_distribution(self, images: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return what `attention` does, and the distributions (B, K) of the same forward pass."""
        features, p = self._run(images)
        return _scaled(np.einsum("bk,bkhw->bhw", p, self._label_maps(features))), p

    def attention_with_mirror(self, images: Any) -> np.ndarray:
        """Return the mean of each image's map and its mirror image's, turned back.

        The value is such a mean, too. And where the map leaves out the last columns of the face,
        the mirror image's has them: the mean covers the whole width, in columns narrow enough for
        the places of both.

        Returns:
            (B, h, v) float32 in [0, 1]; v is w where the map covers the width. Of the height it
            stands for the share `covered[0]`.
        """
        images = np.asarray(images)
        own = self._across(self.attention(images))
        mirrored = self._across(self.attention(images[:, :, ::-1]))[:, :, ::-1]
        return np.nanmean(np.stack([own, mirrored]), axis=0)

    def _across(self, maps: np.ndarray) -> np.ndarray:
        """Return maps in columns that span the face's width, NaN beyond what is covered."""
        share, width = Fraction(self.covered[1]).limit_denominator(MOST_COLUMNS), maps.shape[2]
        if share == 1:
            return maps
        inside = math.lcm(share.numerator, width)
        beyond = round(inside / share) - inside
        wide = np.repeat(maps, inside // width, axis=2)
        return np.pad(wide, ((0, 0), (0, 0), (0, beyond)), constant_values=np.nan)

    def _run(self, images: Any) -> tuple[np.ndarray, np.ndarray]:
        from keras import ops

        batch = _checked(images, self.model.input_size)
        return tuple(ops.convert_to_numpy(x) for x in self._features(batch, training=False))

    def _label_maps(self, features: np.ndarray) -> np.ndarray:
        from keras import ops

        weights = _by_label(ops.convert_to_numpy(self.model.head_kernel), self.model.grid.size)
        return np.einsum("bhwc,ck->bkhw", features.astype(np.float32), weights)


def score_maps(model: "FaceModel", images: Any) -> np.ndarray:
    """Return each label's score map, (B, K, h, w); see `AttentionMaps.score_maps`.

    Raises:
        ConfigError: the model has no linear head on globally pooled features, or the images are
            not of its size.

    >>> from keras_dldl import LabelGrid, build_model
    >>> model = build_model("nano-age-net", LabelGrid.age(), input_size=32)  # not trained
    >>> score_maps(model, np.zeros((1, 32, 32, 3))).shape[:2]  # one map a year of age
    (1, 101)
    """
    return AttentionMaps(model).score_maps(images)


def attention_map(model: "FaceModel", images: Any) -> np.ndarray:
    """Return where in each face the evidence lies, (B, h, w) in [0, 1].

    Args:
        model: a `FaceModel` whose head is linear on globally pooled features.
        images: (B, S, S, 3), 0 ... 255, S the model's input size.

    Raises:
        ConfigError: the model has no such head, or the images are not of its size.

    >>> from keras_dldl import LabelGrid, build_model
    >>> model = build_model("nano-age-net", LabelGrid.age(), input_size=32)  # not trained
    >>> maps = attention_map(model, np.zeros((2, 32, 32, 3)))
    >>> len(maps), bool(0 <= maps.min() <= maps.max() <= 1)
    (2, True)
    """
    return AttentionMaps(model).attention(images)


def resize_map(
    attention: Any, height: int, width: int, covered: tuple[float, float] = (1.0, 1.0)
) -> np.ndarray:
    """Return one map resized onto its face, bilinearly.

    Args:
        attention: (h, w).
        height: of the face, in pixels.
        width: of the face, in pixels.
        covered: shares of height and width, from the top left, that the map stands for, see
            `AttentionMaps.covered`. What lies beyond is NaN, which Matplotlib does not draw.

    Returns:
        (height, width) float32, within the range of `attention`, or NaN.

    >>> resize_map([[0.0, 1.0]], 1, 4).tolist()
    [[0.0, 0.25, 0.75, 1.0]]
    >>> resize_map([[0.0, 1.0]], 1, 6, covered=(1, 2 / 3)).tolist()
    [[0.0, 0.25, 0.75, 1.0, nan, nan]]
    """
    from PIL import Image

    small = Image.fromarray(np.asarray(attention, np.float32))
    rows, columns = (round(n * share) for n, share in zip((height, width), covered, strict=True))
    inside = np.asarray(small.resize((columns, rows), Image.Resampling.BILINEAR))
    beyond = ((0, height - rows), (0, width - columns))
    return np.pad(inside, beyond, constant_values=np.nan)


def _by_label(weights: np.ndarray, labels: int) -> np.ndarray:
    """Return the weights of the labels' own logits, (C, K), from those of the raw outputs."""
    outputs = weights.shape[1]
    if outputs == labels:
        return weights
    if outputs == labels - 1:
        return np.pad(np.cumsum(weights, axis=1), ((0, 0), (1, 0)))
    if outputs == 1:
        return np.repeat(weights, labels, axis=1)
    raise ConfigError(
        f"{ALLOWED}, with {labels} outputs (an output a label), {labels - 1} (a ranking code) or "
        f"1. Received: a linear layer with {outputs} outputs"
    )


def _scaled(maps: np.ndarray) -> np.ndarray:
    low = maps.min(axis=(1, 2), keepdims=True)
    span = maps.max(axis=(1, 2), keepdims=True) - low
    return ((maps - low) / np.where(span > 0, span, 1.0)).astype(np.float32)


def _checked(images: Any, size: int) -> np.ndarray:
    batch = np.asarray(images, np.float32)
    if batch.ndim != 4 or batch.shape[1:] != (size, size, 3):
        raise ConfigError(
            f"`images` must be aligned faces for this model, (B, {size}, {size}, 3). "
            f"Received: shape {batch.shape}"
        )
    return batch


def _check_has_maps(model: "FaceModel") -> None:
    if model.feature_map is None:
        raise ConfigError(
            f"{ALLOWED}. Received: the model {model.name}, whose backbone pools no feature map"
        )
    if model.head_kernel is None:
        raise ConfigError(
            f"{ALLOWED}. Received: the model {model.name}, whose head is more than a linear layer"
        )


def _covered(feature_map: Any) -> tuple[float, float]:
    import keras

    layer = feature_map._keras_history.operation
    if not isinstance(layer, keras.layers.MaxPooling2D) or layer.padding != "valid":
        return (1.0, 1.0)
    before, after = layer.input.shape[1:3], feature_map.shape[1:3]
    reached = zip(after, layer.strides, layer.pool_size, before, strict=True)
    return tuple(min(((n - 1) * step + size) / of, 1.0) for n, step, size, of in reached)
