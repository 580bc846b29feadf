"""The settings of a pre-training run on identities."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from keras_dldl.losses.margin_softmax import KINDS
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.settings import check_known, setting

FULL_UP_TO = 10_000
MARGINS = {"softmax": 0.0, "cosine": 0.35, "arc": 0.5}  # the papers'


@dataclasses.dataclass(frozen=True)
class PretrainConfig(TrainConfig):
    """Settings of one pre-training run: those of `TrainConfig` that are not about labels, and more.

    Raises:
        ConfigError: a value has the wrong type or is out of range.

    >>> PretrainConfig(root="people").loss
    'softmax'
    """

    # What speaks of labels, would mix the rows of different people from step to step, or is for
    # several devices or back ends, of which pre-training has one.
    WITHOUT: ClassVar[tuple[str, ...]] = (
        "method", "method_options", "sigma", "expectation_weight", "kl_reduction",
        "expectation_norm", "on_damaged_shard", "accumulate", "sampling", "sampling_beta", "ema",
        "freeze", "freeze_epochs", "label_step", "feed", "devices", "image_weights", "teacher",
        "teacher_weight",
    )  # fmt: skip

    root: str | None = setting("text", None, "folder with a folder a person", optional=True)
    manifest: str | None = setting(
        "text", None, "CSV file with the columns path and subject", optional=True
    )
    min_images: int = setting("integer", 2, "people with fewer images are left out", minimum=1)
    validation_share: float = setting(
        "number", 0.02, "of the people, kept for validation where no split is given", minimum=0,
        maximum=0.5,
    )  # fmt: skip
    share: float | None = setting(
        "number", None, f"of the class centres in a step; null: all up to {FULL_UP_TO}, then so "
        "many", above=0, maximum=1, optional=True,
    )  # fmt: skip
    loss: str = setting("text", "softmax", "over the people", choices=KINDS)
    margin: float | None = setting(
        "number", None, "of cosine and arc; null: 0.35 and 0.5", minimum=0, maximum=2, optional=True
    )
    scale: float = setting("number", 64.0, "of the cosines of cosine and arc", above=0)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "PretrainConfig":
        """Return a config from names and values; an unknown name raises `ConfigError`."""
        names = [field.name for field in dataclasses.fields(cls)]
        check_known(values, [name for name in names if name not in cls.WITHOUT])
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by name, in the order of the fields."""
        return {k: v for k, v in super().to_dict().items() if k not in self.WITHOUT}

    def share_of(self, classes: int) -> float:
        """Return the share of the class centres that a step looks at."""
        return self.share or min(1.0, FULL_UP_TO / classes)

    @property
    def angle_margin(self) -> float:
        """The margin, by default that of the paper of `loss`."""
        return MARGINS[self.loss] if self.margin is None else self.margin
