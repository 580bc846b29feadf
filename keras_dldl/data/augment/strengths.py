"""How strong each augmentation is: the `augment:` mapping of a training config."""

import dataclasses
from dataclasses import asdict, dataclass, fields
from typing import Any

from keras_dldl.errors import ConfigError


def _strength(
    default: float, low: float = 0.0, high: float = 1.0, *, off: float = 0.0, varied: Any = None
) -> Any:
    """Declare a strength: its range, what turns it off, and the most of `varied`, if it takes part.

    Without a range it is a share or a probability.
    """
    metadata = {"range": (low, high), "off": off, "varied": varied}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Augmentation:
    """Strengths of the augmentations; the defaults are the reference code's (Gao et al. 2018).

    Each is drawn evenly from its range, for each face.

    Args:
        flip: probability of mirroring, [0, 1].
        grey: probability of grey-scale, [0, 1].
        resolution: smallest side, as a share of the input size, to which a face is reduced before
            it is brought back to size, [0.05, 1]; 1 turns it off.
        rotation: largest angle in degrees, [0, 180].
        shear: largest angle in degrees by which vertical lines lean, [0, 45].
        zoom: largest relative change of scale, [0, 0.9].
        shift: largest shift in either direction as a share of the side, [0, 1].
        crop: smallest side, as a share of the face's, of the square that is cut out anywhere in it
            and scaled to the input size, [0.1, 1]; 1 turns it off.
        brightness, contrast, saturation: largest relative change, [0, 1].
        erase: probability that a rectangle is filled with the image's mean colour (random erasing:
            Zhong et al. 2020), [0, 1].
        erase_area: largest area of that rectangle as a share of the image's, [0.02, 0.5]; the
            smallest is 0.02.
        mixup: alpha of mixing faces in pairs (Zhang et al. 2018), images and label distributions,
            by a weight from Beta(alpha, alpha), or 1 minus it where that is larger, so that each
            face stays the main one of its mixture, [0, 10]; 0 turns it off.
        blur: largest width of a Gaussian blur, its standard deviation as a share of the side,
            [0, 0.05]; half the faces may be blurred, the others sharpened.
        sharpen: largest amount by which details are raised, [0, 5].
        noise: largest noise of the sensor, its standard deviation as a share of 255, [0, 0.5].
        grain: largest grain of film, likewise.
        jpeg: lowest quality at which a face is compressed again, [1, 100]; 100 turns it off.
        warmth: largest change of colour temperature, the relative gain of red and loss of blue,
            [0, 0.5].
        gamma: largest logarithm of gamma, [0, 1].
        sepia: probability of sepia, [0, 1].
        fill: probability that the outside of the photo does not repeat its edges but is mirrored,
            of a colour, or black, each as often, [0, 1].
        cut: largest share of the face, at one side of half the faces, that is taken as outside of
            the photo, [0, 0.5].

    Raises:
        ConfigError: a strength is not a number or out of its range.

    >>> Augmentation(rotation=10).flip
    0.5
    """

    flip: float = _strength(0.5)
    grey: float = _strength(0.5, varied=0.2)
    resolution: float = _strength(0.5, 0.05, off=1.0, varied=0.25)
    rotation: float = _strength(15.0, high=180.0, varied=20.0)
    shear: float = _strength(0.0, high=45.0, varied=4.0)
    zoom: float = _strength(0.0, high=0.9, varied=0.15)
    shift: float = _strength(0.0, varied=0.1)
    crop: float = _strength(1.0, 0.1, off=1.0)
    brightness: float = _strength(0.4)
    contrast: float = _strength(0.4)
    saturation: float = _strength(0.4)
    erase: float = _strength(0.0, varied=0.4)
    erase_area: float = _strength(0.2, 0.02, 0.5, off=0.2, varied=0.25)
    mixup: float = _strength(0.0, high=10.0)
    blur: float = _strength(0.0, high=0.05, varied=0.012)
    sharpen: float = _strength(0.0, high=5.0, varied=1.0)
    noise: float = _strength(0.0, high=0.5, varied=0.03)
    grain: float = _strength(0.0, high=0.5, varied=0.03)
    jpeg: float = _strength(100.0, 1.0, 100.0, off=100.0, varied=20.0)
    warmth: float = _strength(0.0, high=0.5, varied=0.15)
    gamma: float = _strength(0.0, varied=0.35)
    sepia: float = _strength(0.0, varied=0.05)
    fill: float = _strength(0.0, varied=0.75)
    cut: float = _strength(0.0, high=0.5, varied=0.2)

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            low, high = field.metadata["range"]
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not low <= value <= high:
                raise ConfigError(
                    f"Augmentation `{field.name}` must be a number in [{low:g}, {high:g}]. "
                    f"Received: {field.name}={value!r}"
                )

    @classmethod
    def none(cls) -> "Augmentation":
        """Return the augmentation that changes nothing."""
        return cls(**{field.name: field.metadata["off"] for field in fields(cls)})

    @classmethod
    def varied(cls, variety: float) -> "Augmentation":
        """Return strengths from the defaults, at 0, to as varied as other people's photos, at 1.

        >>> Augmentation.varied(0) == Augmentation()
        True
        >>> Augmentation.varied(0.5).jpeg
        60.0
        """
        strengths = asdict(cls())
        for field in fields(cls):
            if (most := field.metadata["varied"]) is not None:
                strengths[field.name] += variety * (most - strengths[field.name])
        return cls(**strengths)

    @property
    def changes_colour(self) -> bool:
        """Whether any augmentation is on that works on the colours of single pixels."""
        return any((self.grey, self.brightness, self.contrast, self.saturation))

    @property
    def moves_pixels(self) -> bool:
        """Whether any augmentation is on that resamples the image."""
        moved = any((self.flip, self.rotation, self.shear, self.zoom, self.shift))
        return bool(moved or self.crop < 1 or self.resolution < 1 or self.cut)

    def get_config(self) -> dict[str, Any]:
        """Return the strengths by name."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Augmentation":
        """Make an augmentation from strengths by name; those not named keep their defaults."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(config) - set(known))
        if unknown:
            raise ConfigError(
                f"Augmentations are {', '.join(known)}. Received: {', '.join(map(str, unknown))}"
            )
        return cls(**config)
