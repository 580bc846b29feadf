"""Pictures of predictions: numbered boxes on the photo, and the distributions.

A face has the same number and colour on both. `Prediction.save` and `Prediction.plot` use these
functions.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils.arguments import first_few
from keras_dldl._utils.figure_text import drawable
from keras_dldl.calibration import DEFAULT_LEVEL
from keras_dldl.errors import ConfigError
from keras_dldl.faces.images import read_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import Image, ImageDraw, ImageFont

COLOURS = (
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd",
    "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
)  # fmt: skip
SMALLEST_FONT = 11
MOST_ROWS = 60
LONGEST_NAME = 40
# A label should cover no other label; if it must cover something, a little of a face is better.
COST_OF_LABEL, COST_OF_FACE, COST_OF_A_ROW, COST_OF_OWN_FACE = 1e6, 1e3, 2.0, 1.0
# Share of another face that labels may cover before shorter ones are tried.
MOST_COVERED = 0.03
ROUNDS = 3
USUAL_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".bmp", ".gif", ".pdf")
SHOWN_SUFFIXES = 16
# Pillow and Matplotlib offer these too, but write no colours, or only with the help of others.
NO_COLOURS = ("BLP", "BUFR", "GRIB", "HDF5", "MSP", "PALM", "WMF", "XBM")
NEEDS_TEX = "pgf"

Boxes = np.ndarray  # (N, 4): left, top, right, bottom


def picture_suffixes() -> list[str]:
    """Return the suffixes of files that an annotated photo can be saved as, common ones first."""
    from PIL import Image

    written = set(Image.SAVE).difference(NO_COLOURS)
    known = {suffix for suffix, of in Image.registered_extensions().items() if of in written}
    return [*USUAL_SUFFIXES, *sorted(known.difference(USUAL_SUFFIXES))]


def plot_suffixes() -> list[str]:
    """Return the suffixes of files that a plot can be saved as."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    names = sorted(FigureCanvasAgg.get_supported_filetypes())
    return [f".{name}" for name in names if name != NEEDS_TEX]


def check_suffix(what: str, path: str | os.PathLike, suffixes: Sequence[str]) -> None:
    """Check that a path ends in one of `suffixes`; the ConfigError calls the file `what`."""
    if Path(path).suffix.lower() not in suffixes:
        raise ConfigError(
            f"{what} must be a file that ends in {first_few(suffixes, SHOWN_SUFFIXES)}. "
            f"Received: {os.fspath(path)}"
        )


def annotate(
    image: Any,
    predictions: Any,
    *,
    level: float = DEFAULT_LEVEL,
    max_pixels: int | None = None,
) -> "Image.Image":
    """Draw a box around each face, and a label with its number, value and interval.

    Labels avoid each other and the other faces, and stay inside the picture. Where there is no room
    for all, they are drawn smaller; then without the interval; then with the number alone. A photo
    of one face has no number.

    Args:
        image: what was predicted: anything `read_image` reads.
        predictions: a `Prediction`, or a list of them, of the faces in it. One without a box (an
            aligned crop) is written into the top left corner.
        level: share of faces whose label the interval holds, see `Prediction.interval`.
        max_pixels: see `read_image`.

    Returns:
        An RGB image of the size of the upright input.

    Raises:
        UnreadableImage: the image cannot be read.
        ConfigError: `level` is out of range, or `predictions` has something else in it.

    >>> from keras_dldl import LabelGrid, Prediction
    >>> face = Prediction([0.1, 0.8, 0.1], LabelGrid(20, 22), box=(10, 30, 40, 40))
    >>> annotate(np.zeros((80, 120, 3), np.uint8), face).size  # a PIL image
    (120, 80)
    """
    from PIL import Image, ImageDraw

    listed = _as_list(predictions)
    # A copy: an array that is passed in is not to be drawn on.
    picture = Image.fromarray(read_image(image, max_pixels=max_pixels)).copy()
    if not listed:
        return picture
    draw = ImageDraw.Draw(picture)
    faces = np.array([p.box or (0, 0, picture.width, 0) for p in listed], float)
    faces[:, 2:] += faces[:, :2]
    faces = np.clip(faces, 0, np.tile(picture.size, 2))
    for prediction, face in zip(listed, faces, strict=True):
        if prediction.box is not None:
            _draw_box(draw, face, _colour(prediction), picture.size)
    texts, font, labels = _placed(draw, listed, faces, picture.size, level)
    for prediction, text, label in zip(listed, texts, labels, strict=True):
        left, top, right, bottom = label
        draw.rectangle((left, top, right - 1, bottom - 1), fill=_colour(prediction))
        middle = (left + right) / 2, (top + bottom) / 2
        draw.text(middle, text, font=font, fill=_ink(_colour(prediction)), anchor="mm")
    return picture


def plot_distribution(predictions: Any, *, level: float = DEFAULT_LEVEL) -> "Figure":
    """Plot the distribution of each prediction, its value and its interval.

    Several faces stand one below the other, by their numbers, each as high as its own peak; of more
    than 60 the first 60.

    Args:
        predictions: a `Prediction`, or a list of them, of one task.
        level: share of faces whose label the interval holds, see `Prediction.interval`.

    Returns:
        A Matplotlib figure, for `savefig`; it takes no part in pyplot's state.

    Raises:
        ValueError: there are no predictions.
        ConfigError: `level` is out of range, or `predictions` has something else in it, or
            predictions of two tasks.

    >>> from keras_dldl import LabelGrid, Prediction
    >>> figure = plot_distribution(Prediction([0.1, 0.8, 0.1], LabelGrid(20, 22)))
    >>> figure.axes[0].get_xlabel()
    'age (years)'
    """
    from matplotlib.figure import Figure

    listed = _as_list(predictions)
    if not listed:
        raise ValueError("There is nothing to plot. Give one prediction or more. Received: none")
    if len(tasks := sorted({p.task for p in listed})) > 1:
        raise ConfigError(
            "`predictions` is not valid. They share an axis, so all must be of one task. "
            f"Received: {' and '.join(tasks)}"
        )
    shown, first = listed[:MOST_ROWS], listed[0]
    height = 4.0 if len(shown) == 1 else 1.4 + 0.5 * len(shown)
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.add_subplot()
    names = {p.name for p in listed}
    if len(shown) == 1:
        draw_distribution(axes, first, level)
    else:
        for row, prediction in enumerate(shown):
            _plot_row(axes, prediction, level, row)
        texts = [_row_text(p, level, with_name=len(names) > 1) for p in shown]
        axes.set_yticks(-np.arange(len(shown)), texts)
        axes.set_ylim(-len(shown) + 0.9, 1)
        _label_axis(axes, first)
    axes.set_title(_title(listed, level), fontsize="medium")
    return figure


def _as_list(predictions: Any) -> list[Any]:
    several = isinstance(predictions, Iterable) and not isinstance(predictions, str)
    listed = list(predictions) if several else [predictions]
    for one in listed:
        if not hasattr(one, "in_short"):  # its class imports this module
            raise ConfigError(
                "`predictions` is not valid. It must be a Prediction, or a list of them; of what "
                "`predict_age` returns for several photos, leave out errors, and join the lists. "
                f"Received: {type(one).__name__}: {one}"
            )
    return listed


def _colour(prediction: Any) -> str:
    return COLOURS[(prediction.number - 1) % len(COLOURS)]


def _draw_box(
    draw: "ImageDraw.ImageDraw", face: np.ndarray, colour: str, size: tuple[int, int]
) -> None:
    left, top, right, bottom = face
    # Like the letters, lines grow with the picture, but stay thin on small faces.
    line = min(max(min(size) / 250, max(size) / 1000), min(right - left, bottom - top) / 12)
    line = max(1, round(line))
    right, bottom = max(left, min(right, size[0] - 1)), max(top, min(bottom, size[1] - 1))
    # A white edge around the colour: one of the two stands out on any photo.
    edge = (max(0, left - line), max(0, top - line), right + line, bottom + line)
    draw.rectangle(edge, outline="white", width=2 * line)
    draw.rectangle((left, top, right, bottom), outline=colour, width=line)


def _ink(colour: str) -> str:
    """Return black or white, whichever has more contrast to `colour` (WCAG 2.2)."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return "black" if linear @ (0.2126, 0.7152, 0.0722) > 0.179 else "white"


def _placed(
    draw: "ImageDraw.ImageDraw",
    listed: Sequence[Any],
    faces: Boxes,
    size: tuple[int, int],
    level: float,
) -> tuple[list[str], "ImageFont.FreeTypeFont", Boxes]:
    """Return the fullest texts for which there is room, their font, and their places."""
    from PIL import ImageFont

    for texts in _texts(listed, level):
        for pixels in _font_sizes(faces, size):
            font = ImageFont.load_default(size=pixels)
            pad = max(2, round(pixels / 5))
            extent = np.array([draw.textbbox((0, 0), t, font=font, anchor="lt") for t in texts])
            lengths = np.ceil(extent[:, 2]) + 2 * pad
            height = np.ceil(extent[:, 3].max()) + 2 * pad
            labels, good = _without_overlap(faces, lengths, height, size)
            if good:
                return texts, font, labels
    return texts, font, labels  # the shortest and smallest


def _texts(listed: Sequence[Any], level: float) -> Iterator[list[str]]:
    """Yield what may stand on the labels, the fullest first."""
    numbers = [f"{p.number}: " if len(listed) > 1 else "" for p in listed]
    values = [p.format_number(p) for p in listed]
    rows = list(zip(numbers, listed, strict=True))
    yield [n + p.in_short(level) for n, p in rows]
    yield [n + value for n, value in zip(numbers, values, strict=True)]
    yield [str(p.number) for p in listed] if len(listed) > 1 else values


def _font_sizes(faces: Boxes, size: tuple[int, int]) -> list[int]:
    """Return sizes to try, the largest first, all legible on the picture as a whole.

    People look at the whole picture, so letters grow with it; on a panorama, with its length.
    """
    least = max(SMALLEST_FONT, min(size) / 50)
    of_panorama = min(max(size) / 150, min(size) / 7)
    as_wide_as_a_box = np.median(faces[:, 2] - faces[:, 0]) / 8
    usual = max(min(max(as_wide_as_a_box, min(size) / 30), min(size) / 12), of_panorama)
    sizes = {round(max(usual * share, least)) for share in (1, 0.8, 0.65, 0.5)}
    # In the smallest pictures letters may be hard to read, but they are inside.
    return sorted({max(6, min(pixels, round(size[0] / 6))) for pixels in sizes}, reverse=True)


def _without_overlap(
    faces: Boxes, lengths: np.ndarray, height: float, size: tuple[int, int]
) -> tuple[Boxes, bool]:
    """Return a place for each label, and whether none overlaps.

    Each label in turn takes the best place, given the others. This is repeated, because the first
    labels were placed before the last.
    """
    labels = np.zeros_like(faces)
    areas = np.maximum((faces[:, 2:] - faces[:, :2]).prod(axis=1), 1)
    inside = bool((lengths <= size[0]).all() and height <= size[1])
    for _ in range(ROUNDS):
        before, good = labels.copy(), inside
        for i, length in enumerate(lengths):
            options, away = _options(faces[i], length, height, size)
            others = np.arange(len(faces)) != i
            on_labels = _overlaps(options, labels[others]).sum(axis=1)
            covered = _overlaps(options, faces)
            on_faces = (covered / areas)[:, others]
            cost = COST_OF_LABEL * on_labels + COST_OF_FACE * on_faces.sum(axis=1)
            cost += COST_OF_OWN_FACE * covered[:, i] / areas[i] + COST_OF_A_ROW * away
            best = np.argmin(cost)
            labels[i] = options[best]
            good &= on_labels[best] == 0 and not (on_faces[best] > MOST_COVERED).any()
            good &= away[best] == 0
        if good or (before == labels).all():
            break
    return labels, bool(good)


def _options(
    face: np.ndarray, length: float, height: float, size: tuple[int, int]
) -> tuple[Boxes, np.ndarray]:
    """Return where a label may stand, the best first, and how many rows away from its box.

    Above, below, inside, beside; and where people stand close, a row or two further away.
    """
    left, top, right, bottom = face
    columns = (left, (left + right - length) / 2, right - length)
    near = (top - height, bottom, top, bottom - height)
    corners = [(x, y, 0) for y in near for x in columns]
    corners += [(x, y, 0) for x in (right, left - length) for y in (top, bottom - height)]
    for away in (1, 2):
        far = (top - (away + 1) * height, bottom + away * height)
        corners += [(x, y, away) for y in far for x in columns]
    table = np.array(corners)
    room = np.maximum(0, np.array(size) - (length, height))
    places = np.clip(np.rint(table[:, :2]), 0, room)
    return np.hstack([places, places + (length, height)]), table[:, 2]


def _overlaps(some: Boxes, others: Boxes) -> np.ndarray:
    """Return the areas, (N, M), that N boxes share with M others."""
    low = np.maximum(some[:, None, :2], others[None, :, :2])
    high = np.minimum(some[:, None, 2:], others[None, :, 2:])
    return np.maximum(high - low, 0).prod(axis=2)


def draw_distribution(axes: "Axes", prediction: Any, level: float = DEFAULT_LEVEL) -> None:
    """Draw the distribution of one prediction, its value and its interval.

    Args:
        axes: of Matplotlib.
        prediction: a `Prediction`.
        level: see `plot_distribution`.
    """
    _plot_row(axes, prediction, level)
    axes.set_ylabel("probability")
    axes.set_ylim(bottom=0)
    _label_axis(axes, prediction)


def _label_axis(axes: "Axes", prediction: Any) -> None:
    axes.set_xlim(prediction.grid.start, prediction.grid.stop)
    axes.set_xlabel(f"{prediction.task} ({prediction.unit})")


def _plot_row(axes: "Axes", prediction: Any, level: float, row: int | None = None) -> None:
    """Plot one distribution: in a row of several as high as the row; alone (None) as it is."""
    only = row is None
    labels, mass = prediction.grid.labels64, prediction.distribution
    scale = 1.0 if only else 0.85 / mass.max()
    base, colour = -(row or 0), _colour(prediction)
    inside = np.linspace(*prediction.interval(level), 200)
    axes.plot(labels, base + scale * mass, color=colour, linewidth=1.5 if only else 1)
    height = base + scale * np.interp(inside, labels, mass)
    axes.fill_between(inside, base, height, color=colour, alpha=0.3, linewidth=0)
    top = base + (1.05 * mass.max() if only else 0.9)
    axes.plot([prediction.value] * 2, [base, top], color=colour, linewidth=1, linestyle="--")


def _row_text(prediction: Any, level: float, with_name: bool) -> str:
    text = f"{prediction.number}: {prediction.in_short(level)}"
    return f"{_shown_name(prediction.name)} {text}" if with_name and prediction.name else text


def _title(listed: Sequence[Any], level: float) -> str:
    first = listed[0]
    if len(listed) == 1:
        about = first.describe(level)
    else:
        about = f"{first.decoder.capitalize()} (line) and {100 * level:g} % interval (shaded)"
    if len(listed) > MOST_ROWS:
        about += f", the first {MOST_ROWS} of {len(listed)} faces"
    names = {p.name for p in listed}
    return f"{_shown_name(first.name)}\n{about}" if first.name and len(names) == 1 else about


def _shown_name(name: str) -> str:
    """Return a name as it is drawn; of a long one its end, which differs most."""
    return drawable(name if len(name) <= LONGEST_NAME else "..." + name[3 - LONGEST_NAME :])
