"""The settings of a pre-training run on identities."""

import dataclasses

from keras_dldl.training.config import RunConfig
from keras_dldl.training.settings import setting

FULL_UP_TO = 10_000
MARGINS = {"softmax": 0.0, "cosine": 0.35, "arc": 0.5}  # the papers'


@dataclasses.dataclass(frozen=True)
class PretrainConfig(RunConfig):
    """Settings of one pre-training run.

    Raises:
        ConfigError: a value has the wrong type or is out of range.

    >>> PretrainConfig(root="people").loss
    'softmax'
    """

    root: str | None = setting("text", None, "folder with a subfolder per person", optional=True)
    manifest: str | None = setting(
        "text", None, "CSV file with the columns path and subject", optional=True
    )
    min_images: int = setting("integer", 2, "leave out people with fewer images", minimum=1)
    validation_share: float = setting(
        "number",
        0.02,
        "share of people for validation, if no split is given",
        minimum=0,
        maximum=0.5,
    )
    share: float | None = setting(
        "number",
        None,
        f"share of the class centres in a step; none: all, but at most {FULL_UP_TO} of them",
        above=0,
        maximum=1,
        optional=True,
    )
    loss: str = setting("text", "softmax", "loss over people", choices=tuple(MARGINS))
    margin: float | None = setting(
        "number",
        None,
        "margin of cosine and arc; none: 0.35 and 0.5",
        minimum=0,
        maximum=2,
        optional=True,
    )
    scale: float = setting("number", 64.0, "scale of the cosines of cosine and arc", above=0)

    def share_of(self, classes: int) -> float:
        """Return the share of the class centres that a step looks at."""
        return self.share or min(1.0, FULL_UP_TO / classes)

    @property
    def angle_margin(self) -> float:
        """The margin, by default that of the paper of `loss`."""
        return MARGINS[self.loss] if self.margin is None else self.margin
