"""What speaks against a face, for people and for programs."""

from typing import NamedTuple


class FaceWarning(NamedTuple):
    """A reason to doubt a prediction: why this face may be unlike those the model has learnt from.

    Attributes:
        code: one word for programs; docs/uncertainty.md lists them.
        text: a sentence for people, without a full stop.
    """

    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"
