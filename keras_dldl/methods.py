"""The table of methods: from a name to a loss (METHOD: Gao et al. 2020, table 1 and section 3).

All methods built so far share one head (linear, softmax over the label grid) and one decoder (the
expectation), so a method is its loss.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras

from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.losses import (
    ExpectationLoss,
    LabelDistributionLoss,
    NearestLabelCrossEntropy,
)


def _dldl_v2(grid, from_logits, sigma=2.0, expectation_weight=1.0, kl_reduction="sum"):
    return LabelDistributionLoss(
        grid,
        sigma=sigma,
        expectation_weight=expectation_weight,
        kl_reduction=kl_reduction,
        from_logits=from_logits,
    )


def _dldl(grid, from_logits, sigma=2.0, kl_reduction="sum"):
    return _dldl_v2(grid, from_logits, sigma, 0.0, kl_reduction)


def _er(grid, from_logits, norm="l1"):
    return ExpectationLoss(grid, norm=norm, from_logits=from_logits)


def _dex(grid, from_logits):
    return NearestLabelCrossEntropy(grid, from_logits=from_logits)


@dataclass(frozen=True)
class _Entry:
    make_loss: Callable[..., keras.losses.Loss]
    options: tuple[str, ...]


METHODS = {
    "dldl-v2": _Entry(_dldl_v2, ("sigma", "expectation_weight", "kl_reduction")),
    "dldl": _Entry(_dldl, ("sigma", "kl_reduction")),
    "er": _Entry(_er, ("norm",)),
    "dex": _Entry(_dex, ()),
}


@dataclass(frozen=True)
class Method:
    """A way of training: what the outputs are compared with.

    Args:
        name: "dldl-v2" (KL divergence to the label distribution plus L1 on the expectation), "dldl"
            (KL alone), "er" (L1 or L2 on the expectation alone), "dex" (cross-entropy to the
            nearest label).
        options: of the loss: `sigma`, `expectation_weight` (the paper's lambda) and `kl_reduction`
            for dldl-v2; `sigma`, `kl_reduction` for dldl; `norm` for er.

    Raises:
        ConfigError: an unknown name or option.
    """

    name: str = "dldl-v2"
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if not isinstance(self.name, str) or self.name not in METHODS:
            raise ConfigError(
                f"A method must be one of {', '.join(METHODS)}. Received: {self.name!r}"
            )
        allowed = METHODS[self.name].options
        unknown = sorted(set(self.options) - set(allowed))
        if unknown:
            raise ConfigError(
                f"Options of method {self.name} are {', '.join(allowed) or 'none'}. "
                f"Received: {', '.join(unknown)}"
            )

    def loss(self, grid: LabelGrid, from_logits: bool = False) -> keras.losses.Loss:
        """Return the loss over `grid`; y_true (B,), (B, 2) or (B, 5), y_pred (B, K)."""
        return METHODS[self.name].make_loss(grid, from_logits, **self.options)

    def get_config(self) -> dict[str, Any]:
        """Return name and options."""
        return {"name": self.name, "options": dict(self.options)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Method":
        """Make a method from `get_config()`."""
        return cls(**config)


def get_method(method: str | Method | dict, **options: Any) -> Method:
    """Return the method that a name, a config or a `Method` means.

    >>> get_method("dldl-v2", expectation_weight=0.1).options
    {'expectation_weight': 0.1}
    """
    if isinstance(method, Method):
        return method
    if isinstance(method, dict) and set(method) <= {"name", "options"}:
        return Method.from_config(method)
    return Method(method, options)
