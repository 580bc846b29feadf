"""What an exported model says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keras_dldl.calibration import Calibration, as_calibration
from keras_dldl.errors import ModelFileError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import DECODERS, LabelGrid

CARD_NAME = "keras_dldl"
CARD_FILE = f"{CARD_NAME}.json"
KERAS_FILE = "keras.npz"  # the rest of the Keras model, see `models.reloading`


@dataclass(frozen=True)
class MethodNote:
    """The method a model was trained by, as far as its file tells: how its outputs are decoded."""

    name: str
    decoder: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelCard:
    """What it takes to feed an exported model and to read its answers.

    Args:
        name: of the model.
        grid: the label grid.
        method: the method, with its decoder.
        input_size: side of the input in pixels.
        alignment: how faces are cut out for it.
        mirror_averaged: whether the file itself averages image and mirror image.
        calibration: makes the intervals; None where the exported model had none.
    """

    name: str
    grid: LabelGrid
    method: MethodNote
    input_size: int
    alignment: Alignment
    mirror_averaged: bool
    calibration: Calibration | None = None

    @classmethod
    def from_dict(cls, card: Mapping[str, Any], name: str) -> "ModelCard":
        """Make a card of what `export.card.model_card` wrote.

        Args:
            card: the JSON values.
            name: of the file, for the error.

        Raises:
            ModelFileError: a value is missing, or of the wrong kind.
        """
        try:
            method = card["method"]
            if card["decoder"] not in DECODERS:
                raise ValueError(f"decoder {card['decoder']!r}")
            grid = LabelGrid.from_config(card["grid"])
            return cls(
                str(card["name"]),
                grid,
                MethodNote(method["name"], card["decoder"], method.get("options", {})),
                int(card["input_size"]),
                Alignment.from_config(card["alignment"]),
                bool(card["mirror_averaged"]),
                as_calibration(card.get("calibration"), grid),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelFileError(
                "A model file must describe itself as `keras-dldl export` writes it. "
                f"Received: {name}, {type(error).__name__}: {error}"
            ) from error
