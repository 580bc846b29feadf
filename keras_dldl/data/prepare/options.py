"""How to prepare a data set: the options of `prepare`, checked."""

from dataclasses import dataclass

from keras_dldl._utils.arguments import check_choice
from keras_dldl.data.prepare.given_landmarks import CHOICES
from keras_dldl.data.splits.protocol import SplitOptions
from keras_dldl.errors import ConfigError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.images import pixel_limit

ON_MISSING = ("skip", "whole", "fail")


@dataclass(frozen=True)
class PrepareOptions(SplitOptions):
    """How to prepare a data set; how to split it, see `SplitOptions`.

    Args:
        size: side of the aligned faces in pixels, 32 ... 1024.
        margin: border around the face, see `faces.Alignment`.
        detector: what finds faces, "auto", "mtcnn" or `module:Class`, see `faces.detectors`.
        on_missing: where no face is found: "whole" takes the whole image (the paper's way),
            "skip" leaves it out, "fail" stops.
        workers: processes; 0 means one for every core this process may use, 8 at most.
        limit: only this many rows, spread evenly over the data set; 0 means all.
        max_pixels: of the largest image to read, see `faces.read_image`; larger ones are skipped.
        landmarks: "detect" finds them in every image, "given" takes those that the data set brings
            along and finds the others.
        strict: stop where anything would be left out, as soon as that is known.
        drop_leaks: take faces out of training whose picture is in validation or test too, and out
            of validation where it is in test; they are listed in `skipped.csv`.
    """

    size: int = 224
    margin: float = Alignment.margin
    detector: str = Alignment.detector
    on_missing: str = "whole"
    workers: int = 0
    limit: int = 0
    max_pixels: int | None = None
    landmarks: str = "detect"
    strict: bool = False
    drop_leaks: bool = False

    def __post_init__(self):
        super().__post_init__()
        if not 32 <= self.size <= 1024:
            raise ConfigError(f"`size` must be 32 ... 1024 pixels. Received: size={self.size}")
        check_choice("on_missing", self.on_missing, ON_MISSING)
        if self.workers < 0 or self.limit < 0:
            raise ConfigError(
                "`workers` and `limit` must be 0 or more. "
                f"Received: workers={self.workers}, limit={self.limit}"
            )
        check_choice("landmarks", self.landmarks, CHOICES)
        if self.strict and self.on_missing == "skip":
            raise ConfigError(
                "`strict` leaves nothing out, so `on_missing` must be whole or fail with it. "
                f"Received: on_missing={self.on_missing!r}"
            )
        Alignment(self.margin, self.detector)  # checks them
        if self.max_pixels is not None:
            pixel_limit(self.max_pixels)
