"""What a method is: the head of a network, how it learns, and what its outputs mean."""

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import keras


class Method:
    """A way of training. Subclasses write `loss`, and where they differ `head` and `distribution`.

    By itself, it has the head that most methods share: a linear layer and a softmax over the
    labels of the grid, decoded by the expectation (Gao et al. 2018/2020, section 3).

    A method's options are the arguments of its constructor, kept under the same names. All have
    defaults. A dataclass is the shortest way to write them.

    Attributes:
        name: the word after `--method`. A method of your own leaves it alone: its name is its
            place, `module:Class`, by which its models find it again.
        summary: one line for the list of methods.
        decoder: from distribution to value: "expectation" or "median", see `LabelGrid.decode`.
        needs_sigma: whether every training image must bring a sigma.
    """

    name: ClassVar[str]
    summary: ClassVar[str] = ""
    decoder: ClassVar[str] = "expectation"
    needs_sigma: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = f"{cls.__module__}:{cls.__qualname__}"

    def head(self, features: Any, grid: LabelGrid) -> Any:
        """Return the raw outputs that the loss takes.

        Args:
            features: symbolic tensor (B, C), the backbone's features.
            grid: the label grid, K labels.

        Returns:
            Symbolic tensor (B, R), float32; here the logits of the labels, R = K.
        """
        from keras_dldl.layers.heads import linear_head

        return linear_head(features, grid.size)

    def distribution(self, raw: Any, grid: LabelGrid) -> Any:
        """Return the label distributions that raw outputs stand for.

        Args:
            raw: (B, R), what `head` gave.
            grid: the label grid, K labels.

        Returns:
            (B, K), not negative, rows sum to 1; here the softmax.
        """
        from keras_dldl.ops import softmax32

        return softmax32(raw)

    def loss(self, grid: LabelGrid) -> "keras.losses.Loss":
        """Return the loss over `grid`: y_true (B,), (B, 1), (B, 2) or (B, 5); y_pred raw."""
        raise NotImplementedError(
            "A method must have a method `loss(grid)`, which returns a Keras loss of raw outputs. "
            f"Received: {type(self).__name__}, which has none"
        )

    @property
    def options(self) -> dict[str, Any]:
        """The options and their values."""
        return {name: getattr(self, name) for name in self.option_defaults()}

    @classmethod
    def option_defaults(cls) -> dict[str, Any]:
        """Return the names of the options and their defaults."""
        parameters = inspect.signature(cls).parameters
        return {name: parameter.default for name, parameter in parameters.items()}

    def get_config(self) -> dict[str, Any]:
        """Return name and options; `get_method` makes an equal method of them."""
        return {"name": self.name, "options": self.options}
