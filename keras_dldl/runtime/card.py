"""What a model says of itself: all it takes to feed it and to read its answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keras_dldl.calibration import Calibration, as_calibration
from keras_dldl.errors import ModelFileError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import DECODERS, LabelGrid

if TYPE_CHECKING:
    from keras_dldl.models import FaceModel


@dataclass(frozen=True)
class ModelCard:
    """What it takes to feed a model and to read its answers.

    Args:
        name: of the model.
        grid: the label grid.
        input_size: side of the faces it takes, in pixels.
        alignment: how faces are cut out for it, and what finds them.
        decoder: from distribution to value, "expectation" or "median".
        calibration: makes the intervals; None where the model has none.
        mirror_averaged: whether the network itself averages image and mirror image.
        backbone: its name.
        method: the config of the method that it was trained by.
        parameters: their number; None of an export.
        notes: what a `.keras` file remembers of the training; empty of an export.
    """

    name: str
    grid: LabelGrid
    input_size: int
    alignment: Alignment = field(default_factory=Alignment)
    decoder: str = "expectation"
    calibration: Calibration | None = None
    mirror_averaged: bool = False
    backbone: str = ""
    method: Mapping[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_model(cls, model: "FaceModel", mirror_averaged: bool = False) -> "ModelCard":
        """Make the card of a `FaceModel`, or of an export that averages both views itself."""
        return cls(
            model.name,
            model.grid,
            model.input_size,
            model.alignment,
            model.method.decoder,
            model.calibration,
            mirror_averaged,
            model.backbone_name,
            model.method.get_config(),
            model.count_params(),
            model.card,
        )

    def to_dict(self, format: str, **more: Any) -> dict[str, Any]:
        """Return the card as plain JSON values, for an export.

        Args:
            format: the name of the format.
            **more: anything else to note.
        """
        import keras_dldl

        return {
            "keras_dldl": keras_dldl.__version__,
            "format": format,
            "name": self.name,
            "task": self.grid.task,
            "unit": self.grid.unit,
            "grid": self.grid.get_config(),
            "labels": self.grid.labels64.tolist(),
            "decoder": self.decoder,
            "input_size": self.input_size,
            "alignment": {
                **self.alignment.get_config(),
                "five_points": self.alignment.template(self.input_size).tolist(),
            },
            "mirror_averaged": self.mirror_averaged,
            "backbone": self.backbone,
            "method": self.method,
            "calibration": self.calibration and self.calibration.get_config(),
            **more,
        }

    @classmethod
    def from_dict(cls, card: Mapping[str, Any], file: str) -> "ModelCard":
        """Make a card of what `to_dict` gave.

        Args:
            card: the JSON values.
            file: where they stood, for the error.

        Raises:
            ModelFileError: a value is missing, or of the wrong kind.
        """
        try:
            if card["decoder"] not in DECODERS:
                raise ValueError(f"decoder {card['decoder']!r}")
            grid = LabelGrid.from_config(card["grid"])
            return cls(
                str(card["name"]),
                grid,
                int(card["input_size"]),
                Alignment.from_config(card["alignment"]),
                card["decoder"],
                as_calibration(card.get("calibration"), grid),
                bool(card["mirror_averaged"]),
                str(card["backbone"]),
                dict(card["method"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelFileError(
                "A model file must describe itself as `keras-dldl export` writes it. "
                f"Received: {file}, {type(error).__name__}: {error}"
            ) from error
