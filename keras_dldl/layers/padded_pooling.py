"""Pooling with the same border on both sides, or with a last window that hangs over the edge."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_dldl.arguments import check_choice, check_flag


@keras.saving.register_keras_serializable(package="keras_dldl")
class PaddedPooling2D(keras.layers.Layer):
    """Maximum or average over windows, as Torch7 and its heirs place them.

    Keras's "same" puts an odd border pixel at the end, and its windows never hang over the edge;
    this has a border of `padding` on both sides, and with `ceil` a last window that hangs over.
    The maximum is over the image alone.

    Args:
        mode: "max" or "average".
        size: height and width of a window.
        strides: steps down and to the right.
        padding: rows above and below, columns left and right; at most half a window.
        ceil: whether the output's size is rounded up.
        count_padding: whether the average counts the border, as zeros; what hangs over is not
            counted.
        **kwargs: `name`, `dtype`, `trainable` of a Keras layer.

    Input shape: (B, H, W, C), H and W known.
    Output shape: (B, H', W', C), see `pooled_length`.

    >>> import numpy as np
    >>> layer = PaddedPooling2D("max", (2, 2), (2, 2), ceil=True)
    >>> np.asarray(layer(np.arange(9.0).reshape(1, 3, 3, 1)))[0, :, :, 0].tolist()
    [[4.0, 5.0], [7.0, 8.0]]
    """

    def __init__(
        self,
        mode: str,
        size: tuple[int, int],
        strides: tuple[int, int],
        padding: tuple[int, int] = (0, 0),
        ceil: bool = False,
        count_padding: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.mode = check_choice("mode", mode, ("max", "average"))
        self.size = tuple(size)
        self.strides = tuple(strides)
        self.padding = tuple(padding)
        self.ceil = check_flag("ceil", ceil)
        self.count_padding = check_flag("count_padding", count_padding)

    def call(self, inputs: Any) -> Any:
        """Return the pooled images."""
        axes = [self._axis(axis, inputs.shape[axis + 1]) for axis in (0, 1)]
        widths = ((0, 0), *((before, after) for _, before, after in axes), (0, 0))
        is_max = self.mode == "max"
        # Not -inf: times 0, in a gradient or a compiled kernel, that would be NaN.
        border = float(np.finfo("float16").min if self.compute_dtype == "float16" else -3e38)
        padded = ops.pad(inputs, widths, constant_values=border if is_max else 0.0)
        lengths = [length for length, _, _ in axes]
        padded = padded[
            :, : self._covered(0, lengths[0]), : self._covered(1, lengths[1])
        ]  # what no window covers
        pool = ops.max_pool if is_max else ops.average_pool
        pooled = pool(padded, self.size, self.strides, "valid", "channels_last")
        if is_max:
            return pooled
        counts = np.multiply.outer(*(self._counts(a, inputs.shape[a + 1]) for a in (0, 1)))
        share = self.size[0] * self.size[1] / counts
        return pooled * ops.cast(share[None, :, :, None], pooled.dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return (B, H', W', C) for (B, H, W, C)."""
        lengths = (self._length(axis, input_shape[axis + 1]) for axis in (0, 1))
        return (input_shape[0], *lengths, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument."""
        own = ("mode", "size", "strides", "padding", "ceil", "count_padding")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}

    def _length(self, axis: int, length: int) -> int:
        return pooled_length(
            length, self.size[axis], self.strides[axis], self.padding[axis], self.ceil
        )

    def _covered(self, axis: int, windows: int) -> int:
        return (windows - 1) * self.strides[axis] + self.size[axis]

    def _axis(self, axis: int, length: int) -> tuple[int, int, int]:
        """Return the number of windows, and the pixels to add before and after."""
        windows, before = self._length(axis, length), self.padding[axis]
        return windows, before, max(self._covered(axis, windows) - length - before, 0)

    def _counts(self, axis: int, length: int) -> np.ndarray:
        """Return how many pixels of each window the average counts."""
        border = self.padding[axis] if self.count_padding else 0
        first = np.arange(self._length(axis, length)) * self.strides[axis] - self.padding[axis]
        last = np.minimum(first + self.size[axis], length + border)
        return last - np.maximum(first, -border)


def pooled_length(length: int, size: int, stride: int, padding: int, ceil: bool) -> int:
    """Return the number of windows along one axis; below 1 where none fits.

    `floor((length + 2 padding - size) / stride) + 1`, or the next whole number with `ceil`; a
    window that would start behind the image is left out.

    >>> pooled_length(7, 2, 2, 0, ceil=False), pooled_length(7, 2, 2, 0, ceil=True)
    (3, 4)
    """
    room = length + 2 * padding - size
    windows = (-(-room // stride) if ceil else room // stride) + 1
    return windows - 1 if (windows - 1) * stride >= length + padding else windows
