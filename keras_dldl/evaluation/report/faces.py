"""The worst and the best faces of the report."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keras_dldl.evaluation.pictures import Pictures
from keras_dldl.html_marks import Html, data_uri, escaped, paragraph

if TYPE_CHECKING:
    import pandas as pd

REMARK = (
    "The largest errors are often wrong labels, wrong faces of a photo, or bad crops: look before "
    "you blame the model. Below each: value for label, the 90 % interval, the file. Blue frames: "
    "the interval holds the label; red ones: it does not."
)


def faces_part(pictures: Pictures, predictions: "pd.DataFrame", decimals: int) -> Html:
    """Return the faces kept, the largest errors first, then the smallest.

    Args:
        pictures: of the evaluation.
        predictions: the content of `predictions.csv`.
        decimals: of labels and values.
    """
    if not pictures.worst:
        return Html("")
    parts = [paragraph(REMARK, "quiet")]
    for title, kept in (("largest", pictures.worst), ("smallest", pictures.best)):
        if kept:
            parts.append(f"<h3>The {len(kept)} {title} errors</h3>")
            parts.append(_grid(kept, predictions, decimals))
    return Html("".join(parts))


def _grid(kept: Sequence[tuple[int, bytes]], predictions: "pd.DataFrame", decimals: int) -> str:
    rows = [predictions.iloc[number] for number, _ in kept]
    items = (_face(row, jpeg, decimals) for row, (_, jpeg) in zip(rows, kept, strict=True))
    return f'<ul class="faces">{"".join(items)}</ul>'


def _face(row: Any, jpeg: bytes, decimals: int) -> str:
    path = escaped(str(row["path"]))
    held = "held" if row["low"] <= row["label"] <= row["high"] else "missed"
    return (
        f'<li class="{held}"><img alt="{path}" src="{data_uri(jpeg, "image/jpeg")}">'
        f"<b>{row['value']:.{decimals}f}</b> for {row['label']:g}"
        f"<small>{row['low']:.{decimals}f} &hellip; {row['high']:.{decimals}f}</small>"
        f'<small class="path" title="{path}">{path}</small></li>'
    )
