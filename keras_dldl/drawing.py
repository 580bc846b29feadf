"""Pictures of predictions: boxes on the photo, and the distributions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.faces.images import read_image
from keras_dldl.prediction import DEFAULT_LEVEL, Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import Image, ImageDraw

BOX_COLOUR = (255, 196, 0)
TEXT_COLOUR = (0, 0, 0)
SMALLEST_FONT = 11
MOST_IN_LEGEND = 10


def annotate(
    image: Any, predictions: Prediction | Sequence[Prediction], *, max_pixels: int | None = None
) -> "Image.Image":
    """Draw a box around each face, and its value and spread.

    Args:
        image: what was predicted: anything `read_image` reads.
        predictions: of the faces in it. One without a box (an aligned crop) is written into the
            top left corner.
        max_pixels: see `read_image`.

    Returns:
        An RGB image of the size of the upright input.

    Raises:
        UnreadableImage: the image cannot be read.
    """
    from PIL import Image, ImageDraw

    # A copy: an array that is passed in is not to be drawn on.
    picture = Image.fromarray(read_image(image, max_pixels=max_pixels)).copy()
    draw = ImageDraw.Draw(picture)
    listed = _as_list(predictions)
    for prediction in listed:
        _draw_box(draw, prediction, picture.size)
    for prediction in listed:  # after all boxes, so that none runs through a label
        _draw_label(draw, prediction, picture.size)
    return picture


def plot_distribution(
    predictions: Prediction | Sequence[Prediction], *, level: float = DEFAULT_LEVEL
) -> "Figure":
    """Plot the distribution of each prediction, its value and its central interval.

    Args:
        predictions: of one task.
        level: share of the distribution inside the interval.

    Returns:
        A Matplotlib figure, for `savefig`; it takes no part in pyplot's state.

    Raises:
        ValueError: there are no predictions.
    """
    from matplotlib.figure import Figure

    listed = _as_list(predictions)
    if not listed:
        raise ValueError("There is nothing to plot. Give one prediction or more. Received: none")
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for number, prediction in enumerate(listed):
        _plot_one(axes, prediction, level, f"C{number % 10}")
    first = listed[0]
    axes.set_xlim(first.grid.start, first.grid.stop)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"{first.task} ({first.unit})")
    axes.set_ylabel("probability")
    value = first.decoder.capitalize()
    axes.set_title(f"{value} (line) and {100 * level:g} % interval (shaded)", fontsize="medium")
    _add_legend(axes, len(listed))
    return figure


def _as_list(predictions: Prediction | Sequence[Prediction]) -> list[Prediction]:
    return [predictions] if isinstance(predictions, Prediction) else list(predictions)


def _label(prediction: Prediction) -> str:
    spread = prediction.std
    shown = f"{spread:.0f}" if prediction.grid.step >= 1 else f"{spread:.2f}"
    return f"{prediction.format_number(prediction)} ± {shown}"


def _draw_box(draw: "ImageDraw.ImageDraw", prediction: Prediction, size: tuple[int, int]) -> None:
    if prediction.box is None:
        return
    x, y, width, height = prediction.box
    right, bottom = min(x + width, size[0] - 1), min(y + height, size[1] - 1)
    line = max(1, round(min(size) / 250))
    draw.rectangle((x, y, max(x, right), max(y, bottom)), outline=BOX_COLOUR, width=line)


def _draw_label(draw: "ImageDraw.ImageDraw", prediction: Prediction, size: tuple[int, int]) -> None:
    from PIL import ImageFont

    text = _label(prediction)
    box = prediction.box or (0.0, 0.0, float(size[0]), 0.0)
    font = ImageFont.load_default(size=_font_size(box[2], size))
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    pad = max(2, round((bottom - top) / 5))
    width, height = right - left + 2 * pad, bottom - top + 2 * pad
    x = max(0, min(box[0], size[0] - width))
    y = _label_top(box, height, size[1])
    draw.rectangle((x, y, x + width, y + height), fill=BOX_COLOUR)
    draw.text((x + pad - left, y + pad - top), text, font=font, fill=TEXT_COLOUR)


def _label_top(box: tuple, height: float, picture_height: int) -> float:
    """Return where the label starts: above the box where there is room, else below, else inside."""
    above, below = box[1] - height, box[1] + box[3] + 1
    if above >= 0:
        return above
    if box[3] > 0 and below + height <= picture_height:
        return below
    return max(0, min(box[1], picture_height - height))


def _font_size(box_width: float, size: tuple[int, int]) -> int:
    """Return a size at which the label is about as wide as the box, legible on the whole picture.

    A picture is looked at as a whole, so the least size grows with it; the label, some four and a
    half times as wide as high, must still fit into a small one.
    """
    least = max(SMALLEST_FONT, min(size) / 40)
    largest = max(SMALLEST_FONT, min(size) / 12)
    fitting = size[0] / 5
    return max(6, round(min(max(box_width / 5, least), largest, fitting)))


def _plot_one(axes: "Axes", prediction: Prediction, level: float, colour: str) -> None:
    labels, mass = prediction.grid.labels64, prediction.distribution
    inside = np.linspace(*prediction.interval(level), 200)
    axes.plot(labels, mass, color=colour, label=_legend_text(prediction))
    axes.fill_between(inside, np.interp(inside, labels, mass), color=colour, alpha=0.2)
    axes.axvline(prediction.value, color=colour, linewidth=1, linestyle="--")


def _legend_text(prediction: Prediction) -> str:
    # The value comes first, as Matplotlib leaves out labels that start with an underscore; a
    # dollar sign would start a formula.
    value = f"{_label(prediction)} {prediction.unit}"
    name = prediction.name or ""
    name = name if len(name) <= 40 else "..." + name[-37:]
    name = _with_known_letters(name).replace("$", r"\$")
    return f"{value}, {name}" if name else value


def _with_known_letters(text: str) -> str:
    """Replace what Matplotlib's font cannot draw, of which it would warn at every letter."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = get_font(findfont(FontProperties())).get_charmap()
    return "".join(letter if ord(letter) in known else "?" for letter in text)


def _add_legend(axes: "Axes", count: int) -> None:
    handles, texts = axes.get_legend_handles_labels()
    handles, texts = handles[:MOST_IN_LEGEND], texts[:MOST_IN_LEGEND]
    more = f"and {count - MOST_IN_LEGEND} more" if count > MOST_IN_LEGEND else None
    axes.legend(handles, texts, fontsize="small", title=more)
